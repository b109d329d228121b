"""The regression finds non-negative coefficients, follows them when they change, and shrugs at outliers."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policies.learning.predict.regression import NonNegative

TRUTH = (0.05, 0.06, 0.0, 0.02)


def learned(truth: tuple[float, ...], samples: int, seed: int = 1, outliers: float = 0.0) -> NonNegative:
    line = NonNegative([0.5] * len(truth), 0.001)
    feed(line, truth, samples, seed, outliers)
    return line


def feed(line: NonNegative, truth: tuple[float, ...], samples: int, seed: int, outliers: float = 0.0) -> None:
    draw = random.Random(seed)
    for _ in range(samples):
        x = (1.0, *(draw.uniform(0, 10) for _ in truth[1:]))
        y = sum(map(float.__mul__, truth, x)) * draw.uniform(0.9, 1.1)
        line.observe(x, y * 30 if draw.random() < outliers else y)


@given(st.tuples(*[st.floats(0, 1)] * 4).filter(lambda w: w[0] > 0.01))
@settings(max_examples=30)
def test_it_finds_the_coefficients(truth: tuple[float, ...]) -> None:
    line = learned(truth, 600)
    assert all(weight >= 0 for weight in line.weights)
    for x in ((1.0, 1.0, 1.0, 1.0), (1.0, 9.0, 1.0, 0.5)):
        assert line.predict(x) == pytest.approx(sum(map(float.__mul__, truth, x)), rel=0.05)


def test_a_coefficient_never_turns_negative_though_the_data_would_have_it() -> None:
    line = learned((1.0, -0.05, 0.1), 500)
    assert line.weights[1] == 0.0


def test_it_follows_a_change_within_a_few_hundred_samples() -> None:
    line = learned(TRUTH, 1000)
    slow = tuple(3 * weight for weight in TRUTH)
    feed(line, slow, 1500, seed=2)
    x = (1.0, 5.0, 5.0, 5.0)
    assert line.predict(x) == pytest.approx(sum(map(float.__mul__, slow, x)), rel=0.15)


def test_one_outlier_in_fifty_moves_it_little() -> None:
    line = learned(TRUTH, 2000, outliers=0.02)
    x = (1.0, 5.0, 5.0, 5.0)
    assert line.predict(x) == pytest.approx(sum(map(float.__mul__, TRUTH, x)), rel=0.25)


def test_a_direction_nobody_has_seen_stays_at_its_prior() -> None:
    line = NonNegative([0.1, 0.7], 0.001)
    for _ in range(200):
        line.observe((1.0, 0.0), 0.3)
    assert line.weights == [pytest.approx(0.3, rel=0.01), 0.7]


def test_it_learns_for_ever_without_overflow() -> None:
    line = learned(TRUTH, 20_000)
    assert line.strata[0].gain < 1e10 and line.predict((1.0, 1.0, 1.0, 1.0)) == pytest.approx(sum(TRUTH), rel=0.05)
