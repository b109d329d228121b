"""Session affinity: a conversation's hashed endpoint scores 1, others less.

Highest random weight: when an endpoint goes, only its conversations move, and when it is back they return.
"""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.vocabulary.hashing import mix, unit
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


class Session(Scorer, frozen=True):
    needs: ClassVar[frozenset[Need]] = frozenset({"conversation"})

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        if not request.conversation:
            return [1.0] * len(candidates)
        drawn = [unit(mix(request.conversation, c.mark)) for c in candidates]
        most = max(drawn)
        return [each / most for each in drawn]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        return Signal.SESSION if request.conversation else Signal.IN_FLIGHT
