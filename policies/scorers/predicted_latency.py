"""Predicted latency: seconds until the client has something in hand, the shortest scores highest.

By a predictor where every candidate has one; else by recent answers at a like load; else by how busy each is.
"""

from typing import ClassVar

from policies.ladder import Rung, busy, foreseen, latencies, learned
from policies.needs import Need
from policies.scorers.base import Scorer
from policies.slo.forecast import first_tokens
from policies.types import Candidate, Request


class PredictedLatency(Scorer, frozen=True, tag="predicted_latency"):
    needs: ClassVar[frozenset[Need]] = frozenset({"speed"})

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        seconds = first_tokens(request, candidates, now) or latencies(request, candidates, now)
        if seconds is None:
            seconds = [1.0 + n for n in busy(candidates, now)[0]]
        least = max(min(seconds), 1e-6)
        return [least / max(each, 1e-6) for each in seconds]

    def rung(self, request: Request, candidates: list[Candidate], now: float) -> Rung:
        if foreseen(candidates):
            return Rung.PREDICTED
        return Rung.LEARNED if learned(candidates) else busy(candidates, now)[1]
