"""Weighted: a random deployment by its ``weight``, and within it an endpoint by its score.

A deployment's weight is its share of the traffic however many endpoints it has. One of weight 0 is chosen only where
nothing else is left.
"""

from policies.load.candidate import Candidate
from policies.selection.pickers.base import Picker
from policies.vocabulary.hashing import mix, unit
from policies.vocabulary.types import Request


class Weighted(Picker, frozen=True):
    def pick(self, request: Request, candidates: list[Candidate], scores: list[float]) -> Candidate:
        totals: dict[str, float] = {}
        for c, score in zip(candidates, scores, strict=True):
            totals[c.deployment.name] = totals.get(c.deployment.name, 0.0) + score
        shares = [
            c.deployment.weight * score / (totals[c.deployment.name] or 1.0)
            for c, score in zip(candidates, scores, strict=True)
        ]
        return draw(candidates, shares, request.seed)


def draw(candidates: list[Candidate], shares: list[float], seed: int) -> Candidate:
    """One of them, each as likely as its share of the sum; all alike where the sum is nought."""
    total = sum(shares)
    point = unit(mix(seed, len(shares)))
    if total <= 0.0:
        return candidates[int(point * len(candidates))]
    point *= total
    for candidate, share in zip(candidates, shares, strict=True):
        point -= share
        if point < 0.0:
            return candidate
    return next(c for c, share in zip(reversed(candidates), reversed(shares), strict=True) if share > 0.0)
