"""Capable: the deployment's provider serves this endpoint family, and can be asked for what the request needs."""

from policies.filters.base import Filter
from policies.types import Candidate, Request


class Capable(Filter, frozen=True):
    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        family, needs = request.family, request.needs
        if not needs:
            return [c for c in candidates if family in c.deployment.families]
        return [c for c in candidates if family in c.deployment.families and needs <= c.deployment.features]
