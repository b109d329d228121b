"""The prefix index. Rule: a bounded guess at what engines hold in their caches, made from what was sent there.

Each endpoint is mirrored as it works: blocks are kept in the order of their last use, a prefix's tail is forgotten
before its head, and no more is kept than there is room for. A block is named by a hash of the prompt up to its end, so
equal names mean equal text up to there, and who holds a block holds those before it.
"""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

Id = tuple[str, str]  # deployment, url
BEST = 16  # holders that a match tells of: those with the longest match


class PrefixIndex(msgspec.Struct):
    """``ttl``: seconds after its last use that a block is believed in."""

    ttl: float = float("inf")
    held: dict[Id, OrderedDict[int, float]] = {}  # block -> last use, the oldest first
    holders: dict[int, dict[Id, None]] = {}  # block -> who holds it

    def match(self, blocks: Sequence[int], now: float) -> dict[Id, int]:
        """How many leading blocks each holder has, for the ``BEST`` of them; O(blocks + BEST)."""
        holders, depth = self.holders, 0
        for block in blocks:
            if block not in holders:
                break
            depth += 1
        found: dict[Id, int] = {}
        while depth and len(found) < BEST:
            here = holders[blocks[depth - 1]]
            if len(here) > len(found):
                for id in here:
                    if id not in found:
                        found[id] = depth
                        if len(found) == BEST:
                            break
            depth -= 1
        if self.ttl < float("inf"):
            self._believe(found, blocks, now - self.ttl)
        return found

    def hold(self, id: Id, blocks: Sequence[int], capacity: int, now: float) -> None:
        """The endpoint, which has room for ``capacity`` blocks, is given a prompt."""
        held = self.held.get(id)
        if held is None:
            held = self.held[id] = OrderedDict()
        holders = self.holders
        for block in reversed(blocks):
            if block in held:
                held.move_to_end(block)
            else:
                holders.setdefault(block, {})[id] = None
            held[block] = now
        while len(held) > capacity:
            self._forget(id, held)
        while held and next(iter(held.values())) < now - self.ttl:
            self._forget(id, held)

    def clear(self, id: Id) -> None:
        """Its engine started anew, or was lost from sight: nothing is believed of it any more."""
        held = self.held.pop(id, OrderedDict())
        while held:
            self._forget(id, held)

    def _forget(self, id: Id, held: OrderedDict[int, float]) -> None:
        block, _ = held.popitem(last=False)
        here = self.holders[block]
        del here[id]
        if not here:
            del self.holders[block]

    def _believe(self, found: dict[Id, int], blocks: Sequence[int], oldest: float) -> None:
        """Leave out what was used too long ago."""
        for id, depth in found.items():
            held = self.held[id]
            while depth and held.get(blocks[depth - 1], oldest) < oldest:
                depth -= 1
            found[id] = depth
