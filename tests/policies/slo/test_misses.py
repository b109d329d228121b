"""A miss costs more while more are missed than allowed, less while fewer are, and stays within bounds."""

import pytest

from policies.slo.misses import FEW, MOST, START, MissPrice


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


def test_it_starts_at_a_few_cloud_answers() -> None:
    assert offered().price == START * 0.01


def test_it_rises_while_too_many_miss_up_to_a_bound() -> None:
    seen = minutes(offered(), 20, miss_rate=0.15)
    assert seen == sorted(seen) and seen[0] > START * 0.01
    assert seen[-1] == pytest.approx(MOST * 0.01)


def test_it_falls_to_nothing_while_all_are_in_time() -> None:
    seen = minutes(offered(), 30, miss_rate=0.0)
    assert seen == sorted(seen, reverse=True) and seen[-1] == 0.0


def test_at_the_share_allowed_it_stays() -> None:
    seen = minutes(offered(), 5, miss_rate=0.05)
    assert seen == pytest.approx([START * 0.01] * 5)


def test_a_handful_of_answers_moves_nothing() -> None:
    price = offered()
    for _ in range(FEW - 1):
        price.observe(True)
    assert price.at(120.0, 0.05) == START * 0.01
