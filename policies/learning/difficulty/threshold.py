"""The difficulty threshold: adjusted by every score, so that a configured share of requests lies above it.

After each request it rises by step * (1 - share) where the request lay above, and falls by step * share where it did
not: the quantile tracker of adaptive conformal inference (Gibbs and Candes 2021). It needs two numbers a model, and
binds any sequence of scores, drifting, constant or hostile: it never leaves their range by more than a step, so over n
requests the share is off by no more than (range + step) / (step * n).
"""

import msgspec

from policies.learning.difficulty.score import SURE, chance

STEP = 0.1  # log-odds; the scores of different prompts are some units apart
FIRST_STEP = 2.0  # a new threshold settles within some twenty requests


class Threshold(msgspec.Struct):
    """One model's, as log-odds. ``judged`` requests came, of which ``strong`` lay above."""

    odds: float = 0.0
    judged: int = 0
    strong: int = 0

    def at(self) -> float:
        """The score above which a request is hard."""
        return chance(self.odds)

    def observe(self, score: float, share: float) -> None:
        """A request of this score came. ``share``: of all, that should lie above."""
        hard = score > self.at()
        step = max(STEP, FIRST_STEP / (1 + self.judged))
        self.odds += step * (1.0 - share) if hard else -step * share
        self.judged += 1
        self.strong += hard


def fresh(share: float) -> Threshold:
    """A new one: in the middle; or beyond every score, where none or all are to be hard."""
    return Threshold(SURE + STEP if share <= 0.0 else -SURE - STEP if share >= 1.0 else 0.0)
