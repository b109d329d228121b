"""Counter totals by model and deployment, and their differences between two readings."""

from collections.abc import Mapping

import msgspec

from gateway.catalog.catalog import Catalog
from gateway.recording.metrics import Metrics, caused_by
from policies.vocabulary.types import Usage


class Count(msgspec.Struct, frozen=True):
    """Requests, tokens and USD. ``answered``: requests of a status below 400; ``failed``: those whose failure was not
    caused by their client. ``usd``: of all attempts, as far as prices are known; tokens are those that upstreams
    reported of answers."""

    requests: float = 0
    answered: float = 0
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
        failed = sum(n for (status, failure), n in series.statuses.items() if caused_by(status, failure) in _THEIRS)
        one = Count(
            requests=sum(series.statuses.values()),
            answered=sum(n for (status, _), n in series.statuses.items() if status < 400),
            failed=failed,
            prompt=series.prompt.sum,
            cached=series.cached,
            completion=series.completion.sum,
        )
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


def spilled(catalog: Catalog, counts: Counts) -> dict[str, tuple[float, float]]:
    """Of each model with engines of its own: how many requests were answered, and how many of them by a purchased
    deployment. Models that nobody asked for are left out."""
    found = {}
    for name in catalog.config.models:
        own = {c.deployment.name for tier in catalog.models[name].tiers for c in tier if c.deployment.own}
        answered = {place: count.answered for (model, place), count in counts.items() if model == name and place}
        total = sum(answered.values())
        if own and total:
            found[name] = total, sum(count for place, count in answered.items() if place not in own)
    return found
