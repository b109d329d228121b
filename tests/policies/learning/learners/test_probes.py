"""Recent samples, read at a like load."""

from itertools import pairwise

import pytest

from policies.learning.learners.probes import AGE, Probes


def test_a_time_is_read_at_the_load_it_was_met_with() -> None:
    seen = Probes()
    for n in range(5):
        seen.observe(0.1, 1, float(n))
        seen.observe(0.9, 20, float(n))
    assert seen.at(1, 5.0) == pytest.approx(0.1)
    assert seen.at(20, 5.0) == pytest.approx(0.9)


def test_each_request_that_is_sent_makes_it_longer() -> None:
    seen = Probes()
    for n in range(9, 15):
        seen.observe(0.1 * n, n, float(n))
    expected = [seen.at(n, 15.0) for n in range(100)]
    assert all(fewer < more for fewer, more in pairwise(expected))  # type: ignore[operator]


def test_beyond_the_load_that_was_seen_it_grows() -> None:
    seen = Probes()
    seen.observe(0.1, 1, 0.0)
    assert seen.at(3, 0.0) == 0.2
    assert seen.at(0, 0.0) == 0.05


def test_a_lighter_load_is_foretold_from_the_nearest_heavier_one() -> None:
    seen = Probes()
    seen.observe(0.4, 20, 0.0)
    seen.observe(0.9, 100, 0.0)
    assert seen.at(3, 0.0) == pytest.approx(0.4 * 4 / 21)


def test_one_odd_sample_moves_its_band_by_a_quarter() -> None:
    seen = Probes()
    seen.observe(0.1, 5, 0.0)
    seen.observe(4.1, 5, 0.0)
    assert seen.at(5, 0.0) == pytest.approx(1.1)


def test_old_samples_say_nothing() -> None:
    seen = Probes()
    assert seen.at(0, 0.0) is None
    seen.observe(0.1, 1, 0.0)
    assert seen.at(1, AGE) == 0.1
    assert seen.at(1, AGE + 0.1) is None
    seen.observe(9.0, 1, 100.0)
    assert seen.at(1, 100.0) == 9.0


def test_any_number_in_flight_has_a_band() -> None:
    seen = Probes()
    seen.observe(0.1, 10**9, 0.0)
    assert seen.at(10**9, 0.0) == 0.1
