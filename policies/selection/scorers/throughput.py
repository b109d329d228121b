"""Throughput: output tokens per second at a similar load; the most scores highest."""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.selection.signals import busy, learned, token_times
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


class Throughput(Scorer, frozen=True):
    needs: ClassVar[frozenset[Need]] = frozenset({"speed"})

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        seconds = token_times(candidates, now)
        if seconds is None:
            seconds = [1.0 + n for n in busy(candidates, now)[0]]
        least = max(min(seconds), 1e-9)
        return [least / max(each, 1e-9) for each in seconds]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        return Signal.LEARNED if learned(candidates) else busy(candidates, now)[1]
