"""Cost: the expected USD of the request; the cheapest candidate scores 1, the most expensive 0.

The hours of an own engine are paid whether it works or not, so its tokens cost nothing unless they have a price. A
cloud whose price is not known is not taken for free: it counts as the dearest.
"""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.vocabulary.needs import Need
from policies.vocabulary.types import Request, Usage


class Cost(Scorer, frozen=True):
    needs: ClassVar[frozenset[Need]] = frozenset({"max_tokens", "expected_output"})

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        costs = [expected_cost(request, c) for c in candidates]
        known = [cost for cost in costs if cost is not None]
        if not known or (max(known) == 0.0 == min(known) and len(known) == len(costs)):
            return [1.0] * len(candidates)
        least, most = min(known), max(known)
        return [0.0 if cost is None else 1.0 - (cost - least) / most if most else 1.0 for cost in costs]


def expected_cost(request: Request, candidate: Candidate) -> float | None:
    """USD; None where the price is not known."""
    price = candidate.deployment.price
    if price is None:
        return 0.0 if candidate.deployment.own else None
    output = request.expected_output
    if request.max_tokens is not None:
        output = min(output, request.max_tokens)
    cached = min(request.prompt_tokens, (request.matched or {}).get(candidate.id, 0))
    return Usage(request.prompt_tokens, output, cached).cost(price)
