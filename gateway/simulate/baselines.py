"""Baselines. Rule: what other routers do, told from their descriptions, to compare with; they serve nobody.

All read the same prefix index and the same live loads as our own policies: what differs is the decision.
"""

from policies.prefix.cost import uncached
from policies.profile import Policy
from policies.types import Candidate, Request


class CacheAware(Policy, frozen=True):
    """SGLang's and vllm-router's cache_aware: the longest match above a threshold, unless loads are out of balance."""

    kind: str = "cache_aware"
    threshold: float = 0.5
    apart: int = 32  # requests; out of balance where the most and the least loaded differ by more, and
    ratio: float = 1.1  # by more than this factor

    def choose(self, request: Request, candidates: list[Candidate], now: float) -> Candidate:
        loads = [c.load.in_flight for c in candidates]
        most, least = max(loads), min(loads)
        if not (most - least > self.apart and most > self.ratio * least) and request.blocks:
            missing = [uncached(request, c.load, now) for c in candidates]
            best = min(range(len(candidates)), key=missing.__getitem__)
            if 1 - missing[best] / request.prompt_tokens > self.threshold:
                return candidates[best]
        return _least(request, candidates, [float(load) for load in loads])


class Sticky(Policy, frozen=True):
    """llm-d's sticky until saturated: stay where the prefix is, until the wait there costs more than a penalty."""

    kind: str = "sticky_until_saturated"
    threshold: float = 0.8
    penalty: float = 18.0  # seconds
    rate: float = 15_928.0  # tokens a second that an endpoint is taken to prefill

    def choose(self, request: Request, candidates: list[Candidate], now: float) -> Candidate:
        missing = [uncached(request, c.load, now) for c in candidates]
        waits = [c.load.backlog.total for c in candidates]
        sticky = [i for i, u in enumerate(missing) if 1 - u / request.prompt_tokens >= self.threshold]
        chosen = list(range(len(candidates)))
        if sticky:
            others = [w for i, w in enumerate(waits) if i not in sticky]
            extra = min(waits[i] for i in sticky) - min(others, default=float("inf"))
            if extra / self.rate <= self.penalty:
                chosen = sticky
        return _least(request, [candidates[i] for i in chosen], [waits[i] + missing[i] for i in chosen])


class LeastUncached(Policy, frozen=True):
    """Fewest tokens to compute: those queued at the endpoint and this request's own."""

    kind: str = "least_uncached"

    def choose(self, request: Request, candidates: list[Candidate], now: float) -> Candidate:
        return _least(request, candidates, [c.load.backlog.total + uncached(request, c.load, now) for c in candidates])


def _least(request: Request, candidates: list[Candidate], costs: list[float]) -> Candidate:
    least = min(costs)
    ties = [c for c, cost in zip(candidates, costs, strict=True) if cost == least]
    return ties[request.seed % len(ties)]


BASELINES: tuple[Policy, ...] = (CacheAware(), Sticky(), LeastUncached())
