"""Money. Rule: an hour at this rate, here and in the cheapest cloud; what is not known is named."""

import pytest
from msgspec.structs import replace

from gateway.reporting.cost_rate import Money, money, of_deployment
from gateway.reporting.traffic_counts import Count
from tests.gateway.world import CONFIG, catalog

MILLION = Count(requests=1, prompt=1e6, completion=1e6)


def charged(usd: float) -> Count:
    return replace(MILLION, usd=usd)


def test_own_engines_cost_by_the_hour_busy_or_not_and_clouds_by_the_token() -> None:
    assert money(catalog(), {}, 60.0) == Money(own=4.0, all_cloud=0.0)
    spent = money(catalog(), {("m", "dear"): charged(30.0)}, 3600.0)
    assert (spent.own, spent.cloud, spent.total, spent.all_cloud) == (4.0, 30.0, 34.0, 3.0)


def test_all_cloud_is_the_models_cheapest_price_wherever_it_was_answered() -> None:
    spent = money(catalog(), {("m", "pool"): MILLION, ("m", "cheap"): charged(3.0)}, 1800.0)
    assert (spent.cloud, spent.all_cloud, spent.unknown, spent.unpriced) == (6.0, 12.0, (), ())


def test_what_is_not_known_is_named_and_left_out() -> None:
    spent = money(catalog(), {("f", "free"): MILLION, ("m", "pool"): MILLION, ("", ""): Count(requests=3)}, 3600.0)
    assert (spent.unknown, spent.unpriced, spent.all_cloud) == (("free",), ("f",), 3.0)
    assert money(catalog(), {("f", "free"): MILLION}, 3600.0).all_cloud is None
    assert money(catalog(), {("gone", "gone"): MILLION}, 3600.0).unknown == ("gone",)


def test_a_model_without_a_price_is_worth_its_fallbacks() -> None:
    known = catalog(CONFIG.replace("f: {deployments: [free]}", "f: {deployments: [free], fallbacks: [m]}"))
    assert money(known, {("f", "free"): MILLION}, 3600.0).all_cloud == pytest.approx(3.0)


def test_a_price_of_long_prompts_is_not_applied_to_a_sum_of_short_ones() -> None:
    known = catalog("""
deployments: {d: {provider: gemini, model: gemini-2.5-pro, api_key: k}}
models: {m: {deployments: [d]}}
""")
    price = known.price("d")
    assert price is not None and price.longer
    many = Count(requests=1000, prompt=1000.0 * 1000)
    assert money(known, {("m", "d"): many}, 3600.0).all_cloud == pytest.approx(price.input)


def test_work_that_no_answer_came_of_costs_too() -> None:
    spent = money(catalog(), {("m", "dear"): Count(usd=0.5)}, 3600.0)
    assert (spent.cloud, spent.all_cloud) == (0.5, 0.0)
    assert of_deployment(catalog(), "dear", Count(usd=0.5), 1800.0) == 1.0
    assert [of_deployment(catalog(), name, MILLION, 1.0) for name in ("pool", "free")] == [4.0, None]
