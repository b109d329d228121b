"""Softmax: a random candidate, with probability proportional to exp(score / temperature).

Chances are as exp(score / temperature), so 0.1 of score is worth a factor e at temperature 0.1.
"""

from math import exp
from typing import Annotated

from msgspec import Meta

from policies.load.candidate import Candidate
from policies.selection.pickers.base import Picker
from policies.selection.pickers.weighted import draw
from policies.vocabulary.types import Request


class Softmax(Picker, frozen=True):
    """At random, the likelier the better the score.

    temperature: How much score is worth a factor e of probability.
    """

    temperature: Annotated[float, Meta(gt=0)] = 0.1

    def pick(self, request: Request, candidates: list[Candidate], scores: list[float]) -> Candidate:
        top = max(scores)
        return draw(candidates, [exp((score - top) / self.temperature) for score in scores], request.seed)
