"""Steering. Rule: a client may narrow and order the places its model has, and can never add one.

The fields are OpenRouter's: ``models``, ``provider`` {order, only, ignore, sort, max_price, allow_fallbacks}. A name in
them is a deployment's or a provider's.
"""

from typing import Literal

import msgspec

from policies.presets import preset
from policies.types import Candidate, Model

Sort = Literal["price", "throughput", "latency"]
SORTS = {"price": "lowest_cost", "throughput": "highest_throughput", "latency": "lowest_latency"}


class MaxPrice(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """USD per 1M tokens."""

    prompt: float | None = None
    completion: float | None = None


class Preferences(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The ``provider`` object."""

    order: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    sort: Sort | None = None
    max_price: MaxPrice | None = None
    allow_fallbacks: bool = True


def steered(model: Model, wanted: Preferences) -> Model | None:
    """The model as this client wants it; None where no place of it is left.

    ``order`` makes each named place a tier before the others, which go away without ``allow_fallbacks``.
    """
    tiers = [tuple(c for c in tier if _allowed(c, wanted)) for tier in model.tiers]
    if wanted.order:
        tiers = _ordered(tiers, wanted)
    policy = model.policy
    if wanted.sort is not None:
        found = preset(SORTS[wanted.sort])
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
    return msgspec.structs.replace(model, tiers=kept, policy=policy, fallbacks=fallbacks, needs=needs)


def _ordered(tiers: list[tuple[Candidate, ...]], wanted: Preferences) -> list[tuple[Candidate, ...]]:
    first, taken = [], set()
    for name in wanted.order:
        named = tuple(c for tier in tiers for c in tier if _is(c, name) and c.id not in taken)
        taken |= {c.id for c in named}
        first.append(named)
    rest = [tuple(c for c in tier if c.id not in taken) for tier in tiers] if wanted.allow_fallbacks else []
    return [*first, *rest]


def _allowed(candidate: Candidate, wanted: Preferences) -> bool:
    if wanted.only and not any(_is(candidate, name) for name in wanted.only):
        return False
    if any(_is(candidate, name) for name in wanted.ignore):
        return False
    return wanted.max_price is None or _affordable(candidate, wanted.max_price)


def _affordable(candidate: Candidate, most: MaxPrice) -> bool:
    price = candidate.deployment.price
    if price is None:
        return candidate.deployment.own
    return (most.prompt is None or price.input <= most.prompt) and (
        most.completion is None or price.output <= most.completion
    )


def _is(candidate: Candidate, name: str) -> bool:
    return name in (candidate.deployment.name, candidate.deployment.provider)
