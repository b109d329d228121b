"""Steering: how a client's `models` and `provider` fields narrow and order a model's endpoints. They never add one.

The fields are OpenRouter's: ``models`` and ``provider``. A name in them is a deployment's or a provider's. What a place
does with data, and how its weights are quantized, is what the configuration says of it by its tags.
"""

from typing import Literal

import msgspec

from policies.selection.model import Model, Tier
from policies.selection.presets import preset
from policies.vocabulary.types import Deployment

Sort = Literal["price", "throughput", "latency"]
SORTS = {"price": "lowest_cost", "throughput": "highest_throughput", "latency": "lowest_latency"}
ZDR, NO_COLLECTION = "zdr", "no_data_collection"  # tags: keeps no data at all; learns nothing from it


class MaxPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USD per 1M tokens."""

    prompt: float | None = None
    completion: float | None = None


class SortBy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``sort`` spelt out."""

    by: Sort | None = None
    partition: Literal["model"] = "model"  # one model's places are sorted, then another's asked


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``provider`` object."""

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    sort: Sort | SortBy | None = None
    max_price: MaxPrice | None = None
    allow_fallbacks: bool = True
    require_parameters: bool = False
    data_collection: Literal["allow", "deny"] = "allow"
    zdr: bool = False
    quantizations: tuple[str, ...] = ()

    @property
    def sorted_by(self) -> Sort | None:
        return self.sort.by if isinstance(self.sort, SortBy) else self.sort


def steered(model: Model, wanted: Preferences, features: frozenset[str] = frozenset()) -> Model | None:
    """The model as this client wants it; None where no place of it is left. ``features``: what its request uses.

    ``order`` makes each named place a tier before the others, which go away without ``allow_fallbacks``.
    """
    tiers = [tuple(each for each in tier.deployments if _allowed(each, wanted, features)) for tier in model.tiers]
    if wanted.order:
        tiers = _ordered(tiers, wanted)
    policy = model.policy
    if wanted.sorted_by is not None:
        found = preset(SORTS[wanted.sorted_by])
        assert found is not None
        policy = msgspec.structs.replace(found, filters=policy.filters)
        tiers = tiers if wanted.order else [tuple(each for tier in tiers for each in tier)]
    elif not wanted.allow_fallbacks and not wanted.order:
        tiers = tiers[:1]
    kept = tuple(Tier.of(each) for each in tiers if each)
    fallbacks = model.fallbacks if wanted.allow_fallbacks else ()
    if not kept:
        return None
    needs = model.needs | (policy.needs - {"speed"})
    return msgspec.structs.replace(model, tiers=kept, policy=policy, fallbacks=fallbacks, needs=needs)


def _ordered(tiers: list[tuple[Deployment, ...]], wanted: Preferences) -> list[tuple[Deployment, ...]]:
    first, taken = [], set()
    for name in wanted.order:
        named = tuple(each for tier in tiers for each in tier if _is(each, name) and each.name not in taken)
        taken |= {each.name for each in named}
        first.append(named)
    rest = [tuple(each for each in tier if each.name not in taken) for tier in tiers] if wanted.allow_fallbacks else []
    return [*first, *rest]


def _allowed(deployment: Deployment, wanted: Preferences, features: frozenset[str]) -> bool:
    if wanted.require_parameters and not features <= deployment.features:
        return False
    if not _trusted(deployment, wanted):
        return False
    if wanted.only and not any(_is(deployment, name) for name in wanted.only):
        return False
    if any(_is(deployment, name) for name in wanted.ignore):
        return False
    return wanted.max_price is None or _affordable(deployment, wanted.max_price)


def _trusted(deployment: Deployment, wanted: Preferences) -> bool:
    """An engine of the user's own keeps nothing; of others only what their tags say is known."""
    own, tags = deployment.own, frozenset(deployment.tags)
    if wanted.zdr and not (own or ZDR in tags):
        return False
    if wanted.data_collection == "deny" and not (own or tags & {ZDR, NO_COLLECTION}):
        return False
    return not wanted.quantizations or not tags.isdisjoint(wanted.quantizations)


def _affordable(deployment: Deployment, most: MaxPrice) -> bool:
    price = deployment.price
    if price is None:
        return deployment.own
    return (most.prompt is None or price.input <= most.prompt) and (
        most.completion is None or price.output <= most.completion
    )


def _is(deployment: Deployment, name: str) -> bool:
    return name in (deployment.name, deployment.provider)
