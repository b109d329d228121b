"""Quality: hard prompts go to the strong deployments, others to the rest; a match scores 1, a mismatch 0.

Hard is what scores above the model's threshold, which moves so that ``share`` of all requests do
(policies/learning/difficulty). A request without a score is not hard.
"""

from typing import ClassVar

import msgspec

from policies.learning.difficulty.features import Weights
from policies.learning.difficulty.weights import SHIPPED
from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.vocabulary.needs import Need
from policies.vocabulary.types import Request
from policies.vocabulary.units import Function, Name, Percent


class Difficulty(msgspec.Struct, frozen=True, kw_only=True):
    """What `quality` takes for a hard prompt, and where hard prompts go.

    strong: Deployments that get the hard prompts; left out, the one its model lists last.
    share: Share of requests that are hard, which the threshold is moved to.
    weights: What each feature of a prompt counts, as `cloverleaf difficulty` prints them; left out, the shipped ones.
    classifier: A function of your own, as `module:function`: of the prompt's text, from 0 (easy) to 1 (hard).
    """

    strong: tuple[Name, ...] = ()
    share: Percent = 0.2
    weights: Weights = SHIPPED
    classifier: Function | None = None

    def __post_init__(self) -> None:
        if self.classifier and self.weights is not SHIPPED:
            raise ValueError("classifier says what weights say, too: give one of the two")


class Quality(Scorer, frozen=True):
    """Strong deployments for hard prompts, the others for the rest.

    difficulty: What is a hard prompt, and which deployments are strong.
    """

    needs: ClassVar[frozenset[Need]] = frozenset({"difficulty"})

    difficulty: Difficulty = Difficulty()

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        hard, strong = is_hard(request), self.difficulty.strong
        sides = [float((c.deployment.name in strong) == hard) for c in candidates]
        return sides if any(sides) else [1.0] * len(candidates)


def is_hard(request: Request) -> bool:
    """Whether its prompt lies above the threshold."""
    return request.difficulty is not None and request.difficulty > request.threshold
