"""Quality: hard prompts go to the strong deployments, others to the rest; a match scores 1, a mismatch 0.

Hard is what scores above the model's threshold, which moves so that ``share`` of all requests do
(policies/learning/difficulty). A request without a score is not hard.
"""

from typing import ClassVar

from policies.learning.difficulty.features import Weights
from policies.learning.difficulty.weights import SHIPPED
from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.vocabulary.needs import Need
from policies.vocabulary.types import Request


class Quality(Scorer, frozen=True):
    """``strong``: names of deployments. ``classifier``: whose word on a prompt counts, in place of ``weights``."""

    needs: ClassVar[frozenset[Need]] = frozenset({"difficulty"})

    strong: tuple[str, ...] = ()
    share: float = 0.2
    weights: Weights = SHIPPED
    classifier: str = ""

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        hard = is_hard(request)
        sides = [float((c.deployment.name in self.strong) == hard) for c in candidates]
        return sides if any(sides) else [1.0] * len(candidates)


def is_hard(request: Request) -> bool:
    """Whether its prompt lies above the threshold."""
    return request.difficulty is not None and request.difficulty > request.threshold
