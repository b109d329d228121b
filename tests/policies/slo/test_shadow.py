"""A GPU-second is worth nothing while the pool is idle and the cloud's price when it is full, without swinging."""

import random

import pytest

from policies.slo.shadow import TARGET, ShadowPrice

RESIDENCE = 5.0


def priced(seed: int = 1) -> ShadowPrice:
    """A price that knows what a cloud asks: about a cent a GPU-second."""
    shadow, draw = ShadowPrice(), random.Random(seed)
    for _ in range(100):
        shadow.offer(1.0, draw.uniform(0.005, 0.015))
    return shadow


def test_without_a_cloud_to_compare_with_a_gpu_second_is_free() -> None:
    shadow = ShadowPrice()
    for second in range(60):
        assert shadow.at(float(second), 100.0, RESIDENCE, 1) == 0.0


def test_an_idle_pool_is_free() -> None:
    shadow = priced()
    assert all(shadow.at(float(second), 0.1, RESIDENCE, 4) == 0.0 for second in range(1, 60))


def test_a_saturated_pool_costs_what_the_cloud_would_within_seconds_and_never_more() -> None:
    shadow = priced()
    prices = [shadow.at(float(second), 100.0, RESIDENCE, 1) for second in range(1, 8)]
    assert prices[-1] == shadow.most == pytest.approx(0.0145, rel=0.1)
    assert max(prices) <= shadow.most


def test_it_falls_ten_times_slower_than_it_rises() -> None:
    shadow = priced()
    for second in range(1, 8):
        shadow.at(float(second), 100.0, RESIDENCE, 1)
    top = shadow.price
    fall = [shadow.at(8.0 + second, 0.0, RESIDENCE, 1) for second in range(10)]
    assert fall[0] > 0.5 * top and fall == sorted(fall, reverse=True)
    assert fall[1] > 0, "an empty queue does not make it free at once: it was emptied by spilling"


def test_offered_twice_what_it_can_carry_the_pool_settles_near_its_target_without_waves() -> None:
    """Requests go where they are cheaper; each saves a random amount of cloud money per GPU-second."""
    draw, shadow = random.Random(1), priced()
    backlog, work, admitted_per_second = 0.0, 0.1, []
    for second in range(1, 301):
        price, admitted = shadow.at(float(second), backlog, RESIDENCE, 1), 0.0
        for _ in range(20):  # 2 GPU-seconds offered each second to one GPU
            cloud = work * draw.uniform(0.005, 0.015)
            shadow.offer(work, cloud)
            if price * work <= cloud:
                shadow.admit(work)
                admitted += work
        backlog = max(0.0, backlog + admitted - 1.0)
        admitted_per_second.append(admitted)
    settled = admitted_per_second[60:]
    assert sum(settled) / len(settled) == pytest.approx(TARGET, abs=0.15)
    windows = [sum(settled[i : i + 20]) / 20 for i in range(0, 240, 20)]
    assert min(windows) > 0.5 and max(windows) < 1.2, "neither starved nor flooded"


def test_what_is_asked_twice_within_a_second_is_answered_the_same() -> None:
    shadow = priced()
    assert shadow.at(1.0, 100.0, RESIDENCE, 1) == shadow.at(1.5, 0.0, RESIDENCE, 1)
