"""Steering: how a client's `models` and `provider` fields narrow and order a model's endpoints. They never add one.

The fields are OpenRouter's: ``models`` and ``provider``. A name in them is a deployment's or a provider's. What a place
does with data, and how its weights are quantized, is what the configuration says of it by its tags.
"""

from typing import Literal

import msgspec

from policies.load.candidate import Candidate
from policies.selection.model import Model
from policies.selection.presets import preset

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
    tiers = [tuple(c for c in tier if _allowed(c, wanted, features)) for tier in model.tiers]
    if wanted.order:
        tiers = _ordered(tiers, wanted)
    policy = model.policy
    if wanted.sorted_by is not None:
        found = preset(SORTS[wanted.sorted_by])
        assert found is not None
        policy = msgspec.structs.replace(found, filters=policy.filters)
        tiers = tiers if wanted.order else [tuple(c for tier in tiers for c in tier)]
    elif not wanted.allow_fallbacks and not wanted.order:
        tiers = tiers[:1]
    kept = tuple(tier for tier in tiers if tier)
    fallbacks = model.fallbacks if wanted.allow_fallbacks else ()
    if not kept:
        return None
    needs = model.needs | (policy.needs - {"speed"})
    return msgspec.structs.replace(model, tiers=kept, policy=policy, fallbacks=fallbacks, needs=needs, places=())


def _ordered(tiers: list[tuple[Candidate, ...]], wanted: Preferences) -> list[tuple[Candidate, ...]]:
    first, taken = [], set()
    for name in wanted.order:
        named = tuple(c for tier in tiers for c in tier if _is(c, name) and c.id not in taken)
        taken |= {c.id for c in named}
        first.append(named)
    rest = [tuple(c for c in tier if c.id not in taken) for tier in tiers] if wanted.allow_fallbacks else []
    return [*first, *rest]


def _allowed(candidate: Candidate, wanted: Preferences, features: frozenset[str]) -> bool:
    if wanted.require_parameters and not features <= candidate.deployment.features:
        return False
    if not _trusted(candidate, wanted):
        return False
    if wanted.only and not any(_is(candidate, name) for name in wanted.only):
        return False
    if any(_is(candidate, name) for name in wanted.ignore):
        return False
    return wanted.max_price is None or _affordable(candidate, wanted.max_price)


def _trusted(candidate: Candidate, wanted: Preferences) -> bool:
    """An engine of the user's own keeps nothing; of others only what their tags say is known."""
    own, tags = candidate.deployment.own, frozenset(candidate.deployment.tags)
    if wanted.zdr and not (own or ZDR in tags):
        return False
    if wanted.data_collection == "deny" and not (own or tags & {ZDR, NO_COLLECTION}):
        return False
    return not wanted.quantizations or not tags.isdisjoint(wanted.quantizations)


def _affordable(candidate: Candidate, most: MaxPrice) -> bool:
    price = candidate.deployment.price
    if price is None:
        return candidate.deployment.own
    return (most.prompt is None or price.input <= most.prompt) and (
        most.completion is None or price.output <= most.completion
    )


def _is(candidate: Candidate, name: str) -> bool:
    return name in (candidate.deployment.name, candidate.deployment.provider)
