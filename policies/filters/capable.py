"""Capable: the deployment's provider serves this endpoint family."""

from policies.filters.base import Filter
from policies.types import Candidate, Request


class Capable(Filter, frozen=True):
    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        family = request.family
        return [c for c in candidates if family in c.deployment.families]
