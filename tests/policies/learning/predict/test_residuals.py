"""Ratios are quantiles of what was seen; calibration makes the share that holds the share that was asked for."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.learning.predict.residuals import LEVELS, SIZE, Calibration, ResidualWindow

RATIOS = st.lists(st.floats(0.01, 100), min_size=1, max_size=2 * SIZE)


def filled(values: list[float]) -> ResidualWindow:
    ratios = ResidualWindow()
    for value in values:
        ratios.observe(value)
    return ratios


@given(RATIOS)
def test_only_the_last_ones_are_kept_and_in_order(values: list[float]) -> None:
    assert list(filled(values).order) == sorted(values[-SIZE:])


@given(RATIOS, st.floats(0, 1), st.floats(0, 1))
def test_quantiles_rise(values: list[float], a: float, b: float) -> None:
    ratios = filled(values)
    low, high = sorted((a, b))
    assert min(values[-SIZE:]) <= ratios.quantile(low) <= ratios.quantile(high) <= max(values[-SIZE:])


@given(st.lists(st.integers(1, 5000), min_size=10, max_size=SIZE, unique=True), st.floats(0.15, 0.85))
def test_the_share_under_a_quantile_is_its_level(values: list[int], level: float) -> None:
    ratios = filled([value / 100 for value in values])
    assert ratios.share(ratios.quantile(level)) == pytest.approx(level, abs=0.02)


@given(RATIOS, st.floats(0.001, 1000))
def test_nothing_is_certain(values: list[float], ratio: float) -> None:
    assert 0 < filled(values).share(ratio) < 1


@given(RATIOS, st.floats(0.001, 1000))
def test_what_lasted_longer_is_taken_for_more(values: list[float], ratio: float) -> None:
    assert filled(values).beyond(ratio) > ratio


def test_uncalibrated_levels_are_themselves() -> None:
    calibration = Calibration()
    assert [calibration.level(share) for share in (0.0, 0.37, 0.95, 1.0)] == pytest.approx([0.0, 0.37, 0.95, 1.0])


@pytest.mark.parametrize("power", [0.5, 2.0], ids=["optimistic", "pessimistic"])
def test_predictions_that_are_off_one_way_hold_as_often_as_they_say_in_the_long_run(power: float) -> None:
    draw, calibration = random.Random(1), Calibration()
    held = dict.fromkeys(LEVELS, 0)
    for number in range(4000):
        outcome = draw.random() ** power
        for share in LEVELS:
            held[share] += number >= 1000 and outcome <= calibration.level(share)
        calibration.observe(outcome)
    for share, count in held.items():
        assert count / 3000 == pytest.approx(share, abs=0.03)
        assert calibration.share(calibration.level(share)) == pytest.approx(share, abs=0.01)
