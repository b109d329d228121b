"""Token prices from the bundled data, looked up once per deployment. Unknown means unpriced, never 0.

A configured price comes before any of this. The data are of genai-prices, which holds them in its package: nothing is
fetched.
"""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import msgspec

from gateway.config.deployment import Deployment
from gateway.config.schema import Config
from policies.vocabulary.types import Price

_FIELDS = {
    "input": "input_mtok",
    "output": "output_mtok",
    "cached_input": "cache_read_mtok",
    "cache_write": "cache_write_mtok",
    "cache_write_1h": "cache_write_1h_mtok",
}


def price(deployment: Deployment, config: Config) -> Price | None:
    """What a deployment's tokens cost: its own price, its model's, or the bundled one."""
    given = deployment.price or config.prices.get(deployment.model)
    if given is not None:
        return msgspec.convert(given, Price, from_attributes=True)
    return bundled(deployment.provider.prices, deployment.model)


def bundled(catalog: str, model: str) -> Price | None:
    """The list price of a model; None where the data hold none. ``catalog``: its provider's name in them, or empty."""
    if not catalog:
        return None
    import genai_prices  # half a second of start-up, for those alone who need it

    nothing = genai_prices.Usage(input_tokens=0, output_tokens=0)
    try:
        found: Any = genai_prices.calc_price(nothing, model_ref=model, provider_id=catalog).model_price
    except LookupError:
        return None
    listed = {field: getattr(found, name, None) for field, name in _FIELDS.items()}
    if listed["input"] is None:
        return None
    starts = sorted({tier.start for price in listed.values() for tier in getattr(price, "tiers", ())})
    longer = tuple((start, _price(listed, start)) for start in starts)
    return _price(listed, 0, longer)


def _price(listed: Mapping[str, Any], start: int, longer: tuple[tuple[int, Price], ...] = ()) -> Price:
    """The prices that hold for a prompt of more than ``start`` tokens."""
    at = {field: _at(price, start) for field, price in listed.items() if price is not None}
    return Price(
        input=at["input"],
        output=at.get("output", 0.0),
        cached_input=at.get("cached_input"),
        cache_write=at.get("cache_write"),
        cache_write_1h=at.get("cache_write_1h"),
        longer=longer,
    )


def _at(price: Any, start: int) -> float:
    if isinstance(price, Decimal):
        return float(price)
    reached = [tier.price for tier in price.tiers if tier.start <= start] if start else []
    return float(reached[-1] if reached else price.base)
