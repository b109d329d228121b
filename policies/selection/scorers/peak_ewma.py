"""Peak EWMA: recent peak-sensitive latency times requests in flight; the least scores highest (Finagle, Linkerd)."""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.selection.signals import busy, learned, peaks
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


class PeakEwma(Scorer, frozen=True, tag="peak_ewma"):
    needs: ClassVar[frozenset[Need]] = frozenset({"speed"})

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        requests, _ = busy(candidates, now)
        seconds = peaks(request, candidates, now) or [1.0] * len(candidates)
        costs = [max(s, 1e-6) * (1.0 + n) for s, n in zip(seconds, requests, strict=True)]
        least = min(costs)
        return [least / cost for cost in costs]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        return Signal.LEARNED if learned(candidates) else busy(candidates, now)[1]
