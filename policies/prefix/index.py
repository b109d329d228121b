"""The prefix index. Rule: a guess at one engine's cache, made from what was sent there; bounded, and it forgets.

It mirrors what the engine does: blocks are kept in the order of their last use, a prefix's tail is forgotten before its
head, and no more is kept than the engine has room for. A block is named by the hash of the prompt up to its end, so
equal names mean equal text up to there.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence

import msgspec


class PrefixIndex(msgspec.Struct):
    """One endpoint's blocks. ``capacity``: blocks; ``ttl``: seconds after its last use that a block is believed in."""

    capacity: int
    ttl: float = float("inf")
    held: OrderedDict[int, float] = msgspec.field(default_factory=OrderedDict)  # block -> last used; oldest first

    def match(self, blocks: Sequence[int], now: float) -> int:
        """How many leading blocks are held; O(that many)."""
        held, oldest = self.held, now - self.ttl
        count = 0
        for block in blocks:
            if held.get(block, -1e18) < oldest:
                break
            count += 1
        return count

    def hold(self, blocks: Sequence[int], now: float) -> None:
        """The endpoint is given, or has just used, a prompt of these blocks."""
        held = self.held
        for block in reversed(blocks):
            held[block] = now
            held.move_to_end(block)
        self._forget(now - self.ttl)

    def clear(self) -> None:
        """The engine started anew, or was lost from sight: nothing is believed any more."""
        self.held.clear()

    def _forget(self, oldest: float) -> None:
        held = self.held
        while len(held) > self.capacity:
            held.popitem(last=False)
        for block in list(self._stale(oldest)):
            del held[block]

    def _stale(self, oldest: float) -> Iterator[int]:
        for block, used in self.held.items():
            if used >= oldest:
                return
            yield block
