"""Least busy: fewer requests at the endpoint score higher.

Where every candidate has a fresh scrape, other gateways' requests count too; where one has none, all are compared by
our own in-flight alone: two units are never mixed in one comparison.
"""

from policies.scorers.base import Scorer
from policies.types import Candidate, Request


class LeastBusy(Scorer, frozen=True, tag="least_busy"):
    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        queued = [c.load.queued(now) for c in candidates]
        known = [q for q in queued if q is not None]
        busy: list[float] = known if len(known) == len(queued) else [float(c.load.in_flight) for c in candidates]
        least = min(busy)
        return [(1.0 + least) / (1.0 + b) for b in busy]
