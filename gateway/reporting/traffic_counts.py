"""Counter totals by model and deployment, and their differences between two readings."""

from collections.abc import Mapping

import msgspec

from gateway.recording.metrics import Metrics, at_fault
from policies.vocabulary.types import Usage


class Count(msgspec.Struct, frozen=True):
    """Requests, tokens and USD. ``failed``: those that anybody but their client is to blame for. ``usd``: of all
    attempts, as far as prices are known; tokens are those that upstreams reported of answers."""

    requests: float = 0
    failed: float = 0
    prompt: float = 0
    cached: float = 0
    completion: float = 0
    usd: float = 0.0

    def plus(self, other: "Count", times: int = 1) -> "Count":
        pairs = zip(msgspec.structs.astuple(self), msgspec.structs.astuple(other), strict=True)
        return Count(*(a + times * b for a, b in pairs))

    @property
    def usage(self) -> Usage:
        return Usage(int(self.prompt), int(self.completion), int(self.cached))


_THEIRS = ("upstream", "us")
NOTHING = Count()
Counts = Mapping[tuple[str, str], Count]  # by model and deployment


def counted(metrics: Metrics) -> Counts:
    """Where the counters stand."""
    counts: dict[tuple[str, str], Count] = {}
    for (_, model, deployment), series in metrics.series().items():
        failed = sum(n for (status, failure), n in series.statuses.items() if at_fault(status, failure) in _THEIRS)
        one = Count(sum(series.statuses.values()), failed, series.prompt.sum, series.cached, series.completion.sum)
        counts[model, deployment] = counts.get((model, deployment), NOTHING).plus(one)
    for (model, deployment, _, _), account in metrics.accounts.items():
        counts[model, deployment] = counts.get((model, deployment), NOTHING).plus(Count(usd=account.usd))
    return counts


def since(counts: Counts, before: Counts) -> Counts:
    """What was counted since; what did not move is left out."""
    passed = {key: count.plus(before.get(key, NOTHING), -1) for key, count in counts.items()}
    return {key: count for key, count in passed.items() if count != NOTHING}


def by_deployment(counts: Counts) -> dict[str, Count]:
    """Summed over models; what no deployment was asked for is under the empty name."""
    places: dict[str, Count] = {}
    for (_, deployment), count in counts.items():
        places[deployment] = places.get(deployment, NOTHING).plus(count)
    return places
