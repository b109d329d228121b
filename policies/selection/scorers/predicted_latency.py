"""Predicted latency: seconds until the client has first content; the least scores highest.

A stream's first content by a predictor, which learns from streams; a whole answer, and what no predictor knows, by
recent answers at a like load; else by how busy each is. Of predicted requests one in a hundred goes to a place that was
not heard of for a minute, if there is one: it may have been slow then, and be quick now.
"""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.foretell import first_tokens
from policies.selection.scorers.base import Scorer
from policies.selection.scorers.slo_cost import EXPLORE
from policies.selection.signals import busy, foreseen, latencies, learned
from policies.vocabulary.hashing import mix
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


class PredictedLatency(Scorer, frozen=True, tag="predicted_latency"):
    needs: ClassVar[frozenset[Need]] = frozenset({"speed", "foresight"})

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        seconds = first_tokens(request, candidates, now) if request.stream else None
        if seconds is not None and mix(request.seed, EXPLORE) % EXPLORE == 0:
            silent = [c.load.predictor is not None and c.load.predictor.silent(now) for c in candidates]
            if any(silent):
                return [float(each) for each in silent]
        seconds = seconds or latencies(request, candidates, now)
        if seconds is None:
            seconds = [1.0 + n for n in busy(candidates, now)[0]]
        least = max(min(seconds), 1e-6)
        return [least / max(each, 1e-6) for each in seconds]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        if request.stream and foreseen(candidates):
            return Signal.PREDICTED
        return Signal.LEARNED if learned(candidates) else busy(candidates, now)[1]
