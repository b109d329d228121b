"""SLO cost: dollars and the risk of being late in one figure, J = C + lambda P(late); the least scores highest.

C is a cloud's price for this request, or an own engine's GPU-seconds at the pool's shadow price; see policies/slo. A
cloud without a known price counts as the dearest. One request in a hundred goes to a place drawn among those whose
optimistic estimate (its 10th percentile) meets the target: what is never chosen is never learned.
"""

from typing import ClassVar

from policies.chance import mix
from policies.ladder import Rung, busy
from policies.needs import Need
from policies.predict.latency import Situation
from policies.scorers.base import Scorer
from policies.scorers.cost import expected_cost
from policies.slo.estimate import Estimate, Target, estimate
from policies.slo.objective import Offer, rank
from policies.types import Candidate, Request

EXPLORE = 100  # one request in so many
OPTIMISTIC = 0.1
HOME = 0.8  # what a conversation's own place counts of its cost: a conversation spills as a unit


class SloCost(Scorer, frozen=True, tag="slo_cost"):
    needs: ClassVar[frozenset[Need]] = frozenset(
        {"foresight", "prefix", "conversation", "max_tokens", "expected_output"}
    )

    target: Target = Target()

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        estimates = [forecast(request, c, self.target, now) for c in candidates]
        known = [each for each in estimates if each is not None]
        if len(known) < len(candidates):
            return [1.0 / (1.0 + n) for n in busy(candidates, now)[0]]
        if mix(request.seed, EXPLORE) % EXPLORE == 0:
            return self._explored(request, known)
        offers = [Offer(_cost(request, c, each), each) for c, each in zip(candidates, known, strict=True)]
        return rank(offers, request.late_price, self.target.allowed if self.target.strict else None)

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


def forecast(request: Request, candidate: Candidate, target: Target, now: float) -> Estimate | None:
    """What the request would take there; None where nothing is foretold of the place."""
    load = candidate.load
    if load.predictor is None:
        return None
    waiting = len(load.backlog.owed)
    cached = (request.matched or {}).get(candidate.id, 0)
    situation = Situation(
        max(request.prompt_tokens - cached, 1),
        load.backlog.at(now),
        max(load.in_flight - waiting, 0),
        waiting,
        load.resident,
    )
    output = request.expected_output
    if request.max_tokens is not None:
        output = min(output, request.max_tokens)
    oldest = next(iter(load.forecasts.values()), None)
    overdue = (now - oldest.sent) / oldest.limit if oldest is not None and not oldest.first_at else 1.0
    capacity = load.scraped.kv_tokens
    return estimate(load.predictor, situation, request.prompt_tokens, output, target, capacity, now, overdue)


def _cost(request: Request, candidate: Candidate, each: Estimate) -> float:
    shadow = candidate.pool.shadow
    cost = shadow.price * each.work if shadow is not None else expected_cost(request, candidate)
    if cost is None:
        return UNPRICED
    return cost * HOME if candidate.deployment.name == request.home else cost


UNPRICED = 1.0  # USD: more than any request costs, so that it is asked when there is nothing else
