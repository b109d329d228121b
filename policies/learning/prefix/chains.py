"""A map from a prompt's byte blocks to token blocks, learned from prompts whose tokens are known.

A prompt that begins like an earlier one becomes the same tokens up to there. Where in the middle of a prompt a byte
block ends is first guessed in proportion; it is known as soon as another prompt branches off there, since the two have
their tokens in common up to the branch. A chain is proved as far as some engine was seen to hold it: beyond that it may
be wrong (a template, an image, an adapter that was not thought of), and nothing is concluded from it.
"""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

MOST = 131_072  # byte blocks remembered: 64 MiB of different prompts, some 75 MiB of memory


class Chain(msgspec.Struct):
    """A prompt's byte blocks and its token blocks, the first ``proved`` of which an engine was seen to hold."""

    blocks: tuple[int, ...]
    names: tuple[int, ...]
    proved: int = 0


class Reach(msgspec.Struct, frozen=True, gc=False):
    """Up to the end of some byte block: this many of a chain's token blocks."""

    chain: Chain
    count: int


class Chains(msgspec.Struct):
    most: int = MOST
    known: OrderedDict[int, Reach] = msgspec.field(default_factory=OrderedDict)  # by byte block, by last use

    def find(self, blocks: Sequence[int]) -> tuple[int, Reach | None]:
        """How many of a prompt's byte blocks are known, and how far they reach."""
        known = self.known
        for depth in range(len(blocks), 0, -1):
            reach = known.get(blocks[depth - 1])
            if reach is not None:
                known.move_to_end(blocks[depth - 1])
                return depth, reach
        return 0, None

    def learn(self, blocks: tuple[int, ...], names: tuple[int, ...]) -> None:
        """A prompt's byte blocks became these token blocks."""
        _, reach = self.find(blocks)
        shared = common = proved = 0  # of byte blocks and of token blocks, with the prompt that began most alike
        if reach is not None:
            shared, common = _common(reach.chain.blocks, blocks), _common(reach.chain.names, names)
            proved = min(common, reach.chain.proved)
        chain, known = Chain(blocks, names, proved), self.known
        for depth in range(len(blocks), 0, -1):
            block = blocks[depth - 1]
            if depth > shared:
                count = common + (len(names) - common) * (depth - shared) // (len(blocks) - shared)
            elif depth < shared and block in known:
                count = min(common, known[block].count)
            else:
                count = common * depth // shared
            known[block] = Reach(chain, count)
            known.move_to_end(block)
        while len(known) > self.most:
            known.popitem(last=False)


def _common(one: tuple[int, ...], other: tuple[int, ...]) -> int:
    """Leading names that are equal; a name holds all before it, so bisection finds the last."""
    low, high = 0, min(len(one), len(other))
    while low < high:
        middle = (low + high + 1) // 2
        if one[middle - 1] == other[middle - 1]:
            low = middle
        else:
            high = middle - 1
    return low
