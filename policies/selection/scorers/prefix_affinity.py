"""Prefix affinity: the more of the prompt an endpoint holds in its cache, the higher it scores.

Where nothing tells of caches, a conversation goes by its hash; without one, every place scores alike and the other
scorers decide.
"""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.selection.scorers.session import Session
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


class PrefixAffinity(Scorer, frozen=True, tag="prefix_affinity"):
    needs: ClassVar[frozenset[Need]] = frozenset({"conversation", "prefix"})

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        matched = request.matched
        if matched is None:
            return Session().score(request, candidates, now)
        held = [matched.get(c.id, 0) for c in candidates]
        most, prompt = max(held), max(1, request.prompt_tokens)
        return [max(0.0, 1.0 - (most - each) / prompt) for each in held]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        if request.matched is not None:
            return Signal.PRECISE if request.told else Signal.PREFIX
        return Signal.SESSION if request.conversation else Signal.IN_FLIGHT
