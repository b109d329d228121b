"""Tagged: the deployment has one of the given tags, or all of them."""

from policies.load.candidate import Candidate
from policies.selection.filters.base import Filter
from policies.vocabulary.types import Request
from policies.vocabulary.units import Name


class Tagged(Filter, frozen=True):
    """Deployments with one of these tags, or with all of those.

    any: At least one of these tags is needed.
    all: Every one of these tags is needed.
    """

    any: tuple[Name, ...] = ()
    all: tuple[Name, ...] = ()

    def __post_init__(self) -> None:
        if not (self.any or self.all):
            raise ValueError("kind tagged needs any or all")

    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        some, every = frozenset(self.any), frozenset(self.all)
        return [
            c
            for c in candidates
            if every.issubset(c.deployment.tags) and (not some or not some.isdisjoint(c.deployment.tags))
        ]
