"""Which endpoints hold a block. A block's name covers everything up to its end, so equal names mean equal text.

Who holds a block holds those before it, as far as an engine evicts a prefix's tail before its head. So how far each
endpoint reaches is found by bisection.
"""

from bisect import bisect_left
from collections.abc import Sequence

import msgspec

Id = tuple[str, str]  # deployment, url
BEST = 16  # holders that a match tells of: those with the longest match


class Holders(msgspec.Struct):
    of: dict[int, dict[Id, None]] = {}

    def add(self, block: int, id: Id) -> None:
        self.of.setdefault(block, {})[id] = None

    def remove(self, block: int, id: Id) -> None:
        here = self.of.get(block)
        if here is not None and id in here:
            del here[id]
            if not here:
                del self.of[block]

    def match(self, blocks: Sequence[int], count: int) -> dict[Id, int]:
        """How many of the first ``count`` blocks each holder has, for the ``BEST`` of them; O(BEST log count)."""
        of = self.of
        depth = bisect_left(blocks, True, hi=count, key=lambda block: block not in of)
        found: dict[Id, int] = {}
        while depth and len(found) < BEST:
            for id in of[blocks[depth - 1]]:
                if id not in found:
                    found[id] = depth
                    if len(found) == BEST:
                        return found
            known = len(found)
            depth = bisect_left(blocks, True, hi=depth - 1, key=lambda block: len(of.get(block, ())) <= known)
        return found
