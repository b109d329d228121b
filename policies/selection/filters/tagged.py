"""Tagged: the deployment has one of the given tags, or all of them."""

from policies.load.candidate import Candidate
from policies.selection.filters.base import Filter
from policies.vocabulary.types import Request


class Tagged(Filter, frozen=True):
    any: tuple[str, ...] = ()
    all: tuple[str, ...] = ()

    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        some, every = frozenset(self.any), frozenset(self.all)
        return [
            c
            for c in candidates
            if every.issubset(c.deployment.tags) and (not some or not some.isdisjoint(c.deployment.tags))
        ]
