"""Simulation results: every request that arrives is counted once, as completed, rejected or an error."""

from collections.abc import Sequence

import msgspec

from gateway.simulate.trace import Arrival
from policies.learning.pace import pace
from policies.learning.slo.estimate import Slo
from policies.vocabulary.failure import Failure
from policies.vocabulary.quantile import quantile

REJECTED = frozenset({Failure.SHED, Failure.RATE_LIMITED, Failure.OVERLOADED, Failure.NO_ENDPOINT})


class Quantiles(msgspec.Struct, frozen=True):
    """Seconds; None where nothing was measured."""

    p50: float | None
    p90: float | None
    p99: float | None


class Result(msgspec.Struct, frozen=True):
    """What a script reads of one policy; seconds and USD. ``goodput``: the share of all requests within the SLO."""

    requests: int
    completed: int
    rejected: int
    errors: int
    hit_rate: float
    ttft: Quantiles
    tpot: Quantiles
    goodput: float
    cost_usd: float
    cloud_usd: float
    spill_share: float


class Tally:
    """What became of the requests of one run."""

    def __init__(self, target: Slo) -> None:
        self._target = target
        self.ttft: list[float] = []
        self.tpot: list[float] = []
        self.e2e: list[float] = []
        self.timeline: list[tuple[float, float]] = []  # (moment of arrival, TTFT)
        self.requests = self.rejected = self.errors = self.good = self.spilled = 0
        self.blocks = self.hits = 0.0
        self.cloud_usd = 0.0
        self.groups: dict[str, list[int]] = {}  # name -> requests, those within the SLO

    def arrived(self, arrival: Arrival) -> None:
        self.requests += 1
        self.groups.setdefault(arrival.group, [0, 0])[0] += 1

    def refused(self, failure: Failure) -> None:
        if failure in REJECTED:
            self.rejected += 1
        else:
            self.errors += 1

    def completed(self, arrival: Arrival, cached: int, came: float, first: float, last: float) -> None:
        """``cached``: prompt tokens; the rest are moments."""
        ttft = first - came
        self.ttft.append(ttft)
        self.timeline.append((came, ttft))
        self.e2e.append(last - came)
        tpot = pace(first, last, arrival.output_tokens)
        if tpot is not None:
            self.tpot.append(tpot)
        if arrival.blocks:
            self.blocks += len(arrival.blocks)
            self.hits += cached * len(arrival.blocks) / arrival.prompt_tokens
        if not self._target.missed(arrival.prompt_tokens, ttft, tpot):
            self.good += 1
            self.groups[arrival.group][1] += 1

    def result(self, pool_usd: float) -> Result:
        completed = len(self.e2e)
        return Result(
            requests=self.requests,
            completed=completed,
            rejected=self.rejected,
            errors=self.errors,
            hit_rate=self.hits / self.blocks if self.blocks else 0.0,
            ttft=quantiles(self.ttft),
            tpot=quantiles(self.tpot),
            goodput=self.good / self.requests if self.requests else 0.0,
            cost_usd=pool_usd + self.cloud_usd,
            cloud_usd=self.cloud_usd,
            spill_share=self.spilled / completed if completed else 0.0,
        )

    def fairness(self) -> float:
        """Jain's index of the groups' shares of requests within the SLO: 1 where all fare alike."""
        return jain([good / requests for requests, good in self.groups.values()])


def quantiles(values: list[float]) -> Quantiles:
    ordered = sorted(values)
    return Quantiles(*(quantile(ordered, q) for q in (0.5, 0.9, 0.99)))


def jain(values: Sequence[float]) -> float:
    squares = sum(value * value for value in values)
    return sum(values) ** 2 / (len(values) * squares) if squares else 1.0
