"""Healthy: the endpoint is up, its breaker lets requests through, and its quota domain is not cooling."""

from policies.load.candidate import Candidate
from policies.selection.filters.base import Filter
from policies.vocabulary.types import Request


class Healthy(Filter, frozen=True):
    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        family = request.family
        return [c for c in candidates if c.domain.cooled_until <= now and c.load.available(family, now)]
