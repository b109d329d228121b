"""Hot-cold (Prequal): among endpoints that are not crowded the fastest, otherwise the least crowded.

An endpoint is hot when it holds more requests than the ``quantile`` of the candidates' counts. Cold ones score by
latency at a like load, from 1 down to 1/2; hot ones by their count, below 1/2 (Wydrowski et al., NSDI 2024).
"""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.selection.signals import busy, latencies, learned
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request
from policies.vocabulary.units import Share


class HotCold(Scorer, frozen=True, tag="hot_cold"):
    """The quickest of the endpoints that are not crowded, otherwise the least crowded.

    quantile: The share of the candidates' in-flight counts from which one is hot.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"speed"})

    quantile: Share = 0.84  # the paper's 2 ** -0.25

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        requests, _ = busy(candidates, now)
        seconds = latencies(request, candidates, now) or [1.0 + n for n in requests]
        limit = sorted(requests)[int(self.quantile * (len(requests) - 1))]
        cold = [s for s, n in zip(seconds, requests, strict=True) if n <= limit]
        quickest, least = max(min(cold), 1e-6), min(requests)
        return [
            0.5 + 0.5 * quickest / max(s, 1e-6) if n <= limit else 0.5 * (1.0 + least) / (1.0 + n)
            for s, n in zip(seconds, requests, strict=True)
        ]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        return Signal.LEARNED if learned(candidates) else busy(candidates, now)[1]
