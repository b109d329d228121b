"""A GPU-second is worth nothing while the pool is idle and the cloud's price when it is full, without swinging."""

import random

import pytest

from policies.learning.slo.gpu_price import OTHERS, ShadowPrice


def priced(seed: int = 1) -> ShadowPrice:
    """A price that knows what a cloud asks: about a cent a GPU-second."""
    shadow, draw = ShadowPrice(), random.Random(seed)
    for _ in range(100):
        shadow.offer(1.0, draw.uniform(0.005, 0.015), 0.0)
    return shadow


def seconds(shadow: ShadowPrice, start: int, count: int, risk: float) -> list[float]:
    """The price over so many seconds of one request each, which takes one GPU-second and risks ``risk`` USD."""
    prices = []
    for second in range(start, start + count):
        shadow.offer(1.0, 0.01, risk)
        prices.append(shadow.at(float(second)))
    return prices


def test_without_a_cloud_to_compare_with_a_gpu_second_is_free() -> None:
    shadow = ShadowPrice()
    assert all(shadow.at(float(second)) == 0.0 for second in range(60))


def test_a_pool_that_is_in_time_is_free() -> None:
    assert set(seconds(priced(), 1, 60, 0.0)) == {0.0}


def test_a_saturated_pool_costs_what_the_cloud_would_within_seconds_and_never_more() -> None:
    shadow = priced()
    prices = seconds(shadow, 1, 10, risk=1.0)
    assert prices[-1] == pytest.approx(shadow.most, rel=0.02) and shadow.most == pytest.approx(0.0145, rel=0.1)
    assert max(prices) <= shadow.most


def test_between_the_two_it_is_what_being_late_costs_by_the_gpu_second() -> None:
    assert seconds(priced(), 1, 30, risk=0.01)[-1] == pytest.approx(OTHERS * 0.01, rel=0.01)


def test_spilling_empties_the_queue_and_the_price_falls_ten_times_slower_than_it_rose() -> None:
    shadow = priced()
    top = seconds(shadow, 1, 10, risk=1.0)[-1]
    fall = seconds(shadow, 11, 20, risk=0.0)
    assert fall[0] > 0.9 * top and fall == sorted(fall, reverse=True)
    assert 0.3 * top < fall[-1] < 0.45 * top


def test_after_a_long_silence_it_is_forgotten() -> None:
    shadow = priced()
    top = seconds(shadow, 1, 10, risk=1.0)[-1]
    assert shadow.at(600.0) < 0.06 * top


def test_what_is_asked_twice_within_a_second_is_answered_the_same() -> None:
    shadow = priced()
    shadow.offer(1.0, 0.01, 1.0)
    first = shadow.at(1.0)
    shadow.offer(1.0, 0.01, 0.0)
    assert shadow.at(1.5) == first > 0.0


def test_offered_twice_what_it_can_carry_the_pool_settles_near_its_edge_without_waves() -> None:
    """Each request goes where it is cheaper; the likelier to be late, the more the pool has taken on."""
    draw, shadow, miss = random.Random(1), priced(), 0.004
    backlog, admitted_per_second = 0.0, []
    for second in range(1, 301):
        price, admitted = shadow.at(float(second)), 0.0
        for _ in range(20):  # 2 GPU-seconds offered each second to one GPU
            cloud, late = 0.1 * draw.uniform(0.005, 0.015), min(1.0, (backlog + admitted) / 10.0)
            shadow.offer(0.1, cloud, miss * late)
            if price * 0.1 + miss * late <= cloud:
                admitted += 0.1
        backlog = max(0.0, backlog + admitted - 1.0)
        admitted_per_second.append(admitted)
    settled = admitted_per_second[60:]
    assert sum(settled) / len(settled) == pytest.approx(1.0, abs=0.1)
    windows = [sum(settled[i : i + 20]) / 20 for i in range(0, 240, 20)]
    assert min(windows) > 0.8 and max(windows) < 1.2, "neither starved nor flooded"
