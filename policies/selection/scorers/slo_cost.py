"""SLO cost: expected USD plus the priced risk of an SLO miss, J = C + lambda P(miss); the least scores highest.

C is a cloud's price for this request, or an own engine's GPU-seconds at the pool's shadow price (learning/slo). A
cloud without a known price counts as the dearest. One request in a hundred goes to a place drawn among those whose
optimistic estimate (its 10th percentile) meets the target: what is never chosen is never learned.
"""

from typing import ClassVar

from policies.learning.predict.latency import Prediction
from policies.learning.slo.estimate import USUAL, FastEstimate, Slo
from policies.learning.slo.objective import rank
from policies.load.candidate import Candidate
from policies.selection.foretell import glances
from policies.selection.scorers.base import Scorer
from policies.selection.scorers.cost import expected_cost
from policies.selection.scorers.least_busy import LeastBusy
from policies.selection.scorers.prefix_cost import kept_waiting
from policies.selection.signals import busy, foreseen
from policies.vocabulary.hashing import mix
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request

EXPLORE = 100  # one request in so many
OPTIMISTIC = 0.1
UNPRICED = 1.0  # USD: more than any request costs, so that it is asked when there is nothing else
DUPLICATE = 4.0  # times its own prefill that a prompt costs the pool by filling a cache with what another holds
HOME = 0.8  # what a conversation's own place counts of its cost: a conversation spills as a unit


class SloCost(Scorer, frozen=True, tag="slo_cost"):
    """The least cost, where the risk of missing a service level has its price.

    slo: What is in time; left out, the usual targets.
    strict: Whether every request must be predicted to meet the target.
    """

    needs: ClassVar[frozenset[Need]] = frozenset(
        {"foresight", "prefix", "conversation", "max_tokens", "expected_output"}
    )

    slo: Slo = USUAL
    strict: bool = False

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        found = glances(request, candidates, self.slo, now)
        if found is None:
            return LeastBusy().score(request, candidates, now)
        if mix(request.seed, EXPLORE) % EXPLORE == 0:
            return self._explored(request, candidates, found)
        waiting = [len(c.load.backlog.owed) for c in candidates if c.pool.shadow is not None]
        weight = DUPLICATE + kept_waiting(waiting)
        costs = [_cost(request, c, each[1]) for c, each in zip(candidates, found, strict=True)]
        burdens = [felt + weight * prefill for _, _, felt, prefill, _, _, _ in found]
        spread = 0.0
        if max(each[6] for each in found):
            _, _, _, _, seconds, ratios, _ = found[burdens.index(min(burdens))]
            spread = seconds * ratios.spread
        allowed = self.slo.allowed if self.strict else None
        return rank(costs, [each[0] for each in found], burdens, request.late_price, allowed, spread)

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        return Signal.PREDICTED if foreseen(candidates) else busy(candidates, now)[1]

    def _explored(self, request: Request, candidates: list[Candidate], found: list[FastEstimate]) -> list[float]:
        limit, scores = self.slo.first(request.prompt_tokens), []
        for candidate, (late, _, _, _, seconds, ratios, _) in zip(candidates, found, strict=True):
            predictor = candidate.load.predictor
            assert predictor is not None
            first = Prediction(seconds, ratios, predictor.hardware.first.calibration)
            hopeful = limit is None or first.quantile(OPTIMISTIC) <= limit
            scores.append(1.0 if hopeful else 0.5 * (1.0 - late))
        return scores


def _cost(request: Request, candidate: Candidate, work: float) -> float:
    shadow = candidate.pool.shadow
    cost = shadow.price * work if shadow is not None else expected_cost(request, candidate)
    if cost is None:
        return UNPRICED
    return cost * HOME if candidate.deployment.name == request.home else cost
