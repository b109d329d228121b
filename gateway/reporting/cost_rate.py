"""The cost rate: USD per hour of current traffic, beside the cheapest cloud's price for the same tokens.

What is not known is named and left out of the sum, never taken for nothing. The other cloud's price is that of short
prompts: it is asked of a sum, which does not say how long each prompt was.
"""

from collections.abc import Iterator

import msgspec

from gateway.catalog.catalog import Catalog
from gateway.catalog.ownership import hourly_usd
from gateway.reporting.traffic_counts import Count, Counts
from policies.vocabulary.types import Price, Usage


class Money(msgspec.Struct, frozen=True):
    """USD per hour. ``own``: of the user's engines, busy or not; ``cloud``: of what clouds worked, by tokens;
    ``all_cloud``: had a cloud answered everything, None where no price is known. ``unknown``: deployments that answered
    at a cost nobody stated; ``unpriced``: models that no cloud price is known for."""

    own: float = 0.0
    cloud: float = 0.0
    all_cloud: float | None = None
    unknown: tuple[str, ...] = ()
    unpriced: tuple[str, ...] = ()

    @property
    def total(self) -> float:
        return self.own + self.cloud


def money(catalog: Catalog, counts: Counts, seconds: float) -> Money:
    """What was counted in ``seconds``, as an hour of it."""
    cloud, unknown = 0.0, set()
    elsewhere: dict[str, float | None] = {}
    for (model, deployment), count in counts.items():
        cloud += count.usd
        if not (count.prompt or count.completion):
            continue
        if catalog.price(deployment) is None and not hourly(catalog, deployment):
            unknown.add(deployment)
        least = cheapest(catalog, model, count.usage)
        known = elsewhere.get(model, 0.0)
        elsewhere[model] = None if least is None or known is None else known + least
    priced = [each for each in elsewhere.values() if each is not None]
    own = sum(hourly(catalog, name) for name in catalog.candidates)
    an_hour = 3600.0 / seconds
    return Money(
        own=own,
        cloud=cloud * an_hour,
        all_cloud=sum(priced) * an_hour if priced or not elsewhere else None,
        unknown=tuple(sorted(unknown)),
        unpriced=tuple(sorted(model for model, each in elsewhere.items() if each is None)),
    )


def of_deployment(catalog: Catalog, deployment: str, count: Count, seconds: float) -> float | None:
    """USD per hour of one deployment; None where neither its hours nor its tokens have a price."""
    if catalog.price(deployment) is not None:
        return count.usd * 3600.0 / seconds
    return hourly(catalog, deployment) or None


def hourly(catalog: Catalog, deployment: str) -> float:
    """USD per hour of all its endpoints; 0 where none is stated."""
    configured = catalog.config.deployments.get(deployment)
    return hourly_usd(configured) if configured is not None else 0.0


def cheapest(catalog: Catalog, model: str, usage: Usage) -> float | None:
    """USD for these tokens at the cheapest priced place of the model, or else of its fallbacks."""
    for names in ([model], catalog.config.models[model].fallbacks if model in catalog.config.models else []):
        costs = [cost(price, usage) for name in names for price in _prices(catalog, name)]
        if costs:
            return min(costs)
    return None


def cost(price: Price, usage: Usage) -> float:
    return usage.cost(msgspec.structs.replace(price, longer=()))


def _prices(catalog: Catalog, name: str) -> Iterator[Price]:
    model = catalog.models.get(name)
    for tier in model.tiers if model is not None else ():
        yield from (c.deployment.price for c in tier if c.deployment.price is not None)
