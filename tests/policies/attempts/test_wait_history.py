"""Waits: quantiles of the last of them, and what is left given what has passed."""

import pytest

from policies.attempts.wait_history import ENOUGH, Waits, kind


def waits(*seconds: float) -> Waits:
    made = Waits()
    for each in seconds:
        made.observe(each)
    return made


def test_a_few_samples_say_nothing() -> None:
    few = waits(*[1.0] * (ENOUGH - 1))
    assert few.quantile(0.5) is None and few.residual(0.0) is None


def test_quantiles_are_of_the_samples() -> None:
    hundred = waits(*map(float, range(100)))
    assert [hundred.quantile(q) for q in (0.5, 0.95, 0.999)] == pytest.approx([49.5, 94.95, 99], abs=0.5)


def test_what_is_left_is_the_mean_of_those_that_waited_as_long() -> None:
    mixed = waits(*[1.0] * 30, *[11.0] * 10)
    assert mixed.residual(0.0) == pytest.approx(3.5)
    assert mixed.residual(1.0) == 10.0


def test_past_every_sample_it_may_last_as_long_again() -> None:
    assert waits(*[1.0] * 30).residual(8.0) == 8.0


def test_prompts_of_a_size_are_of_a_kind() -> None:
    assert kind("chat", True, 5) == kind("chat", True, 500)
    assert kind("chat", True, 500) != kind("chat", True, 50_000)
    assert kind("chat", True, 5) != kind("chat", False, 5)
