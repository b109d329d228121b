"""Capable: the deployment's provider serves the endpoint family and has the features that the request needs."""

from policies.load.candidate import Candidate
from policies.selection.filters.base import Filter
from policies.vocabulary.types import Request


class Capable(Filter, frozen=True):
    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        family, features = request.family, request.features
        if not features:
            return [c for c in candidates if family in c.deployment.families]
        return [c for c in candidates if family in c.deployment.families and features <= c.deployment.features]
