"""The approximate prefix index: a bounded estimate of engines' caches, made from the prompts sent to them.

Each endpoint is mirrored as it works: blocks are kept in the order of their last use, a prefix's tail is forgotten
before its head, and no more is kept than there is room for.
"""

from collections import OrderedDict
from collections.abc import Sequence

import msgspec

from policies.learning.prefix.holders import Holders, Id


class PrefixIndex(msgspec.Struct):
    """``ttl``: seconds after its last use that a block is believed in."""

    ttl: float = float("inf")
    held: dict[Id, OrderedDict[int, float]] = {}  # block -> last use, the oldest first
    holders: Holders = msgspec.field(default_factory=Holders)

    def match(self, blocks: Sequence[int], now: float) -> dict[Id, int]:
        """How many leading blocks each holder has, for the best of them."""
        found = self.holders.match(blocks, len(blocks))
        if self.ttl < float("inf"):
            self._believe(found, blocks, now - self.ttl)
        return found

    def hold(self, id: Id, blocks: Sequence[int], capacity: int, now: float) -> None:
        """The endpoint, which has room for ``capacity`` blocks, is given a prompt."""
        held = self.held.get(id)
        if held is None:
            held = self.held[id] = OrderedDict()
        for block in reversed(blocks):
            if block in held:
                held.move_to_end(block)
            else:
                self.holders.add(block, id)
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
        self.holders.remove(held.popitem(last=False)[0], id)

    def _believe(self, found: dict[Id, int], blocks: Sequence[int], oldest: float) -> None:
        """Leave out what was used too long ago."""
        for id, depth in found.items():
            held = self.held[id]
            while depth and held.get(blocks[depth - 1], oldest) < oldest:
                depth -= 1
            found[id] = depth
