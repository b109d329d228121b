"""The precise prefix index: what engines of the same weights report of their caches, looked up by byte blocks.

    byte blocks of a prompt --chains--> token blocks --holders--> how many of them each engine holds

What an engine does not tell, or a prompt whose tokens are not learned yet, is left to the approximate index.
"""

from collections.abc import Mapping, Sequence

import msgspec

from policies.learning.prefix.chains import Chains, Reach
from policies.learning.prefix.engine_cache import Mirror
from policies.learning.prefix.holders import Holders, Id


class Precise(msgspec.Struct):
    """``size``: tokens of a block, the same at all of its engines; 0: not told yet."""

    holders: Holders = msgspec.field(default_factory=Holders)
    chains: Chains = msgspec.field(default_factory=Chains)
    mirrors: dict[Id, Mirror] = {}
    doubtful: set[Id] = set()  # engines whose mirror cannot be relied on now
    size: int = 0

    def watch(self, id: Id) -> Mirror:
        """The mirror of an engine, made when first asked for."""
        mirror = self.mirrors.get(id)
        if mirror is None:
            mirror = self.mirrors[id] = Mirror(id, self.holders)
            self.doubtful.add(id)
        return mirror

    def forget(self, id: Id) -> None:
        """A reload no longer names it."""
        self.mirrors.pop(id).clear()
        self.doubtful.discard(id)

    def judge(self, mirror: Mirror) -> None:
        """Its state may be another now."""
        if mirror.state == "live":
            self.doubtful.discard(mirror.id)
        else:
            self.doubtful.add(mirror.id)

    def sized(self, mirror: Mirror, size: int) -> bool:
        """Whether blocks of this size can be compared with the other engines': the first to tell decides."""
        if size != self.size and not self.holders.of:
            self.size, self.chains = size, Chains()
        mirror.size = size
        return size == self.size

    def refine(self, matched: dict[Id, int], found: Mapping[Id, int], blocks: Sequence[int], most: int) -> bool:
        """Put what engines told in the place of the guess; whether nothing of the guess is left for these engines.

        ``matched``: tokens of the prompt that each endpoint is guessed to hold, from ``found`` of its byte blocks.
        """
        depth, reach = self.chains.find(blocks)
        if reach is None or not self._proved(reach):
            depth, told = 0, {}
        else:
            told = self.holders.match(reach.chain.names, reach.count)
        exact = not self.doubtful
        for id, guessed in found.items():
            if id in self.mirrors:
                if id not in self.doubtful and guessed <= depth:
                    del matched[id]
                else:
                    exact = False
        for id, count in told.items():
            matched[id] = max(matched.get(id, 0), min(most, count * self.size))
        return exact

    def prove(self, blocks: Sequence[int]) -> None:
        """An engine may hold the prompt by now: see whether it does, as it may not later."""
        _, reach = self.chains.find(blocks)
        if reach is not None:
            self._proved(reach)

    def _proved(self, reach: Reach) -> bool:
        """Whether some engine was seen to hold the chain that far."""
        chain, count = reach.chain, reach.count
        if chain.proved < count and chain.names[count - 1] in self.holders.of:
            chain.proved = count
        return chain.proved >= count
