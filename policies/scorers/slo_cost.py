"""SLO cost: dollars and the risk of being late in one figure, J = C + lambda P(late); the least scores highest.

C is a cloud's price for this request, or an own engine's GPU-seconds at the pool's shadow price; see policies/slo. A
cloud without a known price counts as the dearest. One request in a hundred goes to a place drawn among those whose
optimistic estimate (its 10th percentile) meets the target: what is never chosen is never learned.
"""

from typing import ClassVar

from policies.chance import mix
from policies.ladder import Rung, busy
from policies.needs import Need
from policies.scorers.base import Scorer
from policies.scorers.cost import expected_cost
from policies.slo.estimate import USUAL, Estimate, Target
from policies.slo.forecast import foretold
from policies.slo.objective import rank
from policies.types import Candidate, Request

EXPLORE = 100  # one request in so many
OPTIMISTIC = 0.1
UNPRICED = 1.0  # USD: more than any request costs, so that it is asked when there is nothing else
HOME = 0.8  # what a conversation's own place counts of its cost: a conversation spills as a unit


class SloCost(Scorer, frozen=True, tag="slo_cost"):
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"foresight", "prefix", "conversation", "max_tokens", "expected_output"}
    )

    target: Target = USUAL

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        estimates = [foretold(request, c, self.target, now) for c in candidates]
        known = [each for each in estimates if each is not None]
        if len(known) < len(candidates):
            return [1.0 / (1.0 + n) for n in busy(candidates, now)[0]]
        if mix(request.seed, EXPLORE) % EXPLORE == 0:
            return self._explored(request, known)
        costs = [_cost(request, c, each) for c, each in zip(candidates, known, strict=True)]
        return rank(costs, known, request.late_price, self.target.allowed if self.target.strict else None)

    def rung(self, request: Request, candidates: list[Candidate], now: float) -> Rung:
        if any(c.load.predictor is None for c in candidates):
            return busy(candidates, now)[1]
        return Rung.PREDICTED

    def _explored(self, request: Request, estimates: list[Estimate]) -> list[float]:
        limit = self.target.first(request.prompt_tokens)
        return [
            1.0 if limit is None or each.first.quantile(OPTIMISTIC) <= limit else 0.5 * (1.0 - each.late)
            for each in estimates
        ]


def _cost(request: Request, candidate: Candidate, each: Estimate) -> float:
    shadow = candidate.pool.shadow
    cost = shadow.price * each.work if shadow is not None else expected_cost(request, candidate)
    if cost is None:
        return UNPRICED
    return cost * HOME if candidate.deployment.name == request.home else cost
