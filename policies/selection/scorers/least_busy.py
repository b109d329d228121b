"""Least busy: fewer requests at the endpoint score higher.

Where every candidate has a fresh scrape, other gateways' requests count too; where one has none, all are compared by
our own in-flight alone.
"""

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.selection.signals import busy
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


class LeastBusy(Scorer, frozen=True, tag="least_busy"):
    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        requests, _ = busy(candidates, now)
        least = min(requests)
        return [(1.0 + least) / (1.0 + n) for n in requests]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        return busy(candidates, now)[1]
