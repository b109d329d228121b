"""A miss costs more while more are missed than allowed, less while fewer are, and stays within bounds."""

import pytest

from policies.learning.slo.miss_price import FEW, LEAST, MOST, START, MissPrice

UNIT = 0.01 / 0.05  # a request's cloud cost over the share of misses that is allowed


def minutes(price: MissPrice, count: int, miss_rate: float, first: int = 1) -> list[float]:
    seen = []
    for minute in range(first, first + count):
        for i in range(100):
            price.observe(i < 100 * miss_rate)
        seen.append(price.at(60.0 * minute, allowed=0.05))
    return seen


def offered(cloud: float = 0.01) -> MissPrice:
    price = MissPrice()
    price.offer(cloud)
    return price


def test_it_starts_at_a_few_cloud_answers_and_higher_for_a_stricter_level() -> None:
    assert offered().at(0.0, 0.05) == pytest.approx(START * UNIT)
    assert offered().at(0.0, 0.01) == pytest.approx(5 * START * UNIT)


def test_it_rises_while_too_many_miss_up_to_a_bound() -> None:
    seen = minutes(offered(), 40, miss_rate=0.15)
    assert seen == sorted(seen) and seen[0] > START * UNIT
    assert seen[-1] == pytest.approx(MOST * UNIT)


def test_it_falls_while_all_are_in_time_but_never_to_nothing() -> None:
    seen = minutes(offered(), 30, miss_rate=0.0)
    assert seen == sorted(seen, reverse=True) and seen[-1] == pytest.approx(LEAST * UNIT)


def test_at_the_share_allowed_it_stays() -> None:
    assert minutes(offered(), 5, miss_rate=0.05) == pytest.approx([START * UNIT] * 5)


def test_a_handful_of_answers_moves_nothing() -> None:
    price = offered()
    for _ in range(FEW - 1):
        price.observe(True)
    assert price.at(120.0, 0.05) == pytest.approx(START * UNIT)
