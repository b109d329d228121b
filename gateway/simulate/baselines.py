"""Baseline policies of other routers, from their descriptions, for comparison only.

All read the same prefix index and the same live loads as our own policies: what differs is the decision.
"""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.profile import Policy
from policies.selection.scorers import Scorer
from policies.selection.scorers.prefix_cost import uncached
from policies.vocabulary.needs import Need
from policies.vocabulary.types import Request


class Told(Scorer, frozen=True):
    """What reads the prefix index, or who has how much to compute."""

    needs: ClassVar[frozenset[Need]] = frozenset({"prefix"})


class CacheAware(Told, frozen=True, tag="cache_aware"):
    """SGLang's and vllm-router's cache_aware: the longest match above a threshold, unless loads are out of balance."""

    threshold: float = 0.5
    apart: int = 32  # requests; out of balance where the most and the least loaded differ by more, and
    ratio: float = 1.1  # by more than this factor

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        loads = [c.load.in_flight for c in candidates]
        most, least = max(loads), min(loads)
        missing = [uncached(request, c) for c in candidates]
        balanced = most - least <= self.apart or most <= self.ratio * least
        if balanced and 1 - min(missing) / request.prompt_tokens > self.threshold:
            return least_scores(missing)
        return least_scores(loads)


class Sticky(Told, frozen=True, tag="sticky_until_saturated"):
    """llm-d's sticky until saturated: stay where the prefix is, until the wait there costs more than a penalty."""

    threshold: float = 0.8
    penalty: float = 18.0  # seconds
    rate: float = 15_928.0  # tokens a second that an endpoint is taken to prefill

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        missing = [uncached(request, c) for c in candidates]
        waits = [c.load.backlog.total for c in candidates]
        sticky = [1 - each / request.prompt_tokens >= self.threshold for each in missing]
        if any(sticky):
            here = min(wait for wait, stays in zip(waits, sticky, strict=True) if stays)
            there = min((wait for wait, stays in zip(waits, sticky, strict=True) if not stays), default=here)
            sticky = sticky if (here - there) / self.rate <= self.penalty else [False] * len(candidates)
        loads = [wait + each for wait, each in zip(waits, missing, strict=True)]
        most = max(loads) + 1 if any(sticky) else 0.0
        return least_scores([load if stays else load + most for load, stays in zip(loads, sticky, strict=True)])


class LeastUncached(Told, frozen=True, tag="least_uncached"):
    """Fewest tokens to compute: those queued at the endpoint and this request's own."""

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        return least_scores([c.load.backlog.total + uncached(request, c) for c in candidates])


class SpillAbove(Told, frozen=True, tag="spill_above"):
    """The own engine with the least queue, unless that is above a fixed threshold; then the cloud.

    ``queue``: what is counted at an engine. ``tokens``: prompt tokens it has not computed; ``waiting``: requests
    without a first token; ``in_flight``: requests. All exact and at once, as no scrape tells them.
    """

    queue: str
    threshold: float

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        own = [self._queue(c, now) if c.deployment.own else float("inf") for c in candidates]
        if min(own) > self.threshold:
            return [1.0 if queue == float("inf") else 0.0 for queue in own]
        most = 1.0 + max(c.load.in_flight for c in candidates)
        return least_scores([queue + c.load.in_flight / most for queue, c in zip(own, candidates, strict=True)])

    def _queue(self, candidate: Candidate, now: float) -> float:
        load = candidate.load
        if self.queue == "tokens":
            return load.backlog.at(now)
        return float(len(load.backlog.owed) if self.queue == "waiting" else load.in_flight)


def least_scores(costs: "list[float] | list[int]") -> list[float]:
    least = min(costs)
    return [(1.0 + least) / (1.0 + cost) for cost in costs]


BASELINES: tuple[Policy, ...] = (
    Policy(kind="cache_aware", scorers=(CacheAware(),)),
    Policy(kind="sticky_until_saturated", scorers=(Sticky(),)),
    Policy(kind="least_uncached", scorers=(LeastUncached(),)),
)


QUEUES = ("tokens", "waiting", "in_flight")


def baseline(name: str) -> Policy | None:
    """The baseline of that name; a static threshold is written ``spill_tokens:4000``."""
    kind, _, threshold = name.partition(":")
    if kind.removeprefix("spill_") in QUEUES and threshold.isdigit():
        scorer = SpillAbove(queue=kind.removeprefix("spill_"), threshold=float(threshold))
        return Policy(kind=name, scorers=(scorer,), across_tiers=True)
    return next((policy for policy in BASELINES if policy.kind == name), None)
