"""Prefix cost: the tokens of computing that sending the request there costs the pool; the least scores 1.

    cost = backlog + 500 * in flight + (3 + waiting) * uncached

*backlog*: uncached prompt tokens the endpoint has still to compute, which this request waits for. *in flight*: requests
there; each decodes for a while, and slows the rest. *uncached*: tokens of this prompt it would compute itself. They are
dear for three reasons: they are computed now; they fill the cache a second time with what another endpoint holds, and
so evict what would have been met again; and whoever comes while the queue lasts waits for them, which are more the
longer the queue (*waiting*: requests without content, per endpoint; where one nearly idles, few: it makes nobody wait).
So affinity yields to load by the value of the cached tokens against the wait, and never all at once. The figures are
measured: docs/simulator.md.

Where nothing is known of caches (``Request.matched`` is None), what remains is the load.
"""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request

DUPLICATE = 3.0  # what an uncached token costs in an idle pool; hits and waits change little between 2 and 8
UNEVEN = 4  # times the shortest queue, and its newcomer, that the mean may be before it says nothing of that one
DECODE = 500.0  # tokens that an engine could compute in the time an answer takes from it


class PrefixCost(Scorer, frozen=True, tag="prefix_cost"):
    needs: ClassVar[frozenset[Need]] = frozenset({"prefix"})

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        waiting = [len(c.load.backlog.owed) for c in candidates]
        weight = DUPLICATE + kept_waiting(waiting)
        costs = [c.load.backlog.at(now) + DECODE * c.load.in_flight + weight * uncached(request, c) for c in candidates]
        least = min(costs)
        return [(1.0 + least) / (1.0 + cost) for cost in costs]

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        if request.matched is None:
            return Signal.IN_FLIGHT
        return Signal.PRECISE if request.told else Signal.PREFIX


def kept_waiting(waiting: list[int]) -> float:
    """How many requests, of those that each engine has without content, whoever computes a prompt keeps waiting."""
    return min(sum(waiting) / len(waiting), UNEVEN * (1 + min(waiting))) if waiting else 0.0


def uncached(request: Request, candidate: Candidate) -> float:
    """Prompt tokens the endpoint would have to compute, as far as is known."""
    matched = request.matched
    return request.prompt_tokens - matched.get(candidate.id, 0) if matched else request.prompt_tokens
