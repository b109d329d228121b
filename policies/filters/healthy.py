"""Healthy: the endpoint is up, its breaker lets requests through, and its quota domain is not cooling."""

from policies.filters.base import Filter
from policies.types import Candidate, Request


class Healthy(Filter, frozen=True):
    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        family = request.family
        return [c for c in candidates if c.domain.cooled_until <= now and c.load.available(family, now)]
