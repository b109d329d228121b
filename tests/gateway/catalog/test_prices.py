"""Prices: bundled ones by provider and model, our own first, and nothing where nothing is known."""

import pytest

from backends.providers import PROVIDERS
from gateway.catalog.prices import bundled
from policies.vocabulary.types import Price, Usage


def test_a_known_model_has_the_providers_own_kinds_of_price() -> None:
    price = bundled("anthropic", "claude-sonnet-4-5")
    assert price is not None
    assert 0 < price.cached_input < price.input < price.cache_write < price.cache_write_1h < price.output  # type: ignore[operator]


def test_a_long_prompt_costs_what_the_data_say_of_long_prompts() -> None:
    price = bundled("anthropic", "claude-sonnet-4-5")
    assert price is not None
    (start, longer) = price.longer[0]
    below, above = Usage(start, 0, 0, "upstream"), Usage(start + 1, 0, 0, "upstream")
    assert below.cost(price) == pytest.approx(start * price.input / 1e6)
    assert above.cost(price) == pytest.approx((start + 1) * longer.input / 1e6)
    assert longer.input > price.input


def test_what_is_not_known_is_unpriced() -> None:
    assert bundled("", "gpt-4o") is None
    assert bundled("openai", "no-such-model-anywhere") is None


def test_what_runs_on_machines_of_the_user_s_has_no_list_price() -> None:
    assert {each.name for each in PROVIDERS if not each.prices} == {
        *(each.name for each in PROVIDERS if each.self_hosted),
        "openai_compatible",
    }


def test_every_catalog_named_is_one_of_the_datas() -> None:
    from genai_prices.data_snapshot import get_snapshot

    assert {each.prices for each in PROVIDERS if each.prices} <= {provider.id for provider in get_snapshot().providers}


def test_cache_writes_cost_by_how_long_they_stay() -> None:
    usage = Usage(1000, 10, 200, "upstream", cache_write=300, cache_write_1h=100)
    price = Price(1.0, 10.0, 0.1, 1.25, 2.0)
    assert usage.cost(price) == pytest.approx((500 * 1 + 200 * 0.1 + 200 * 1.25 + 100 * 2 + 10 * 10) / 1e6)
    assert usage.cost(Price(1.0, 10.0)) == pytest.approx((1000 + 100) / 1e6)
