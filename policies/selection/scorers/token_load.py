"""Token load: our prompt tokens in flight at the endpoint, this request's included; the fewest score highest."""

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


class TokenLoad(Scorer, frozen=True, tag="token_load"):
    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        tokens = [c.load.in_flight_tokens + request.prompt_tokens + 1 for c in candidates]
        least = min(tokens)
        return [least / each for each in tokens]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        return Signal.IN_FLIGHT
