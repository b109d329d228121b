"""The backlog: what was sent less what came back, and less what the time since must have computed."""

import pytest

from policies.learning.prefix.backlog import Backlog


def test_what_was_sent_is_owed_until_it_brings_content() -> None:
    backlog = Backlog()
    backlog.add(1, 1000.0, 0.0)
    backlog.add(2, 500.0, 0.0)
    assert backlog.at(0.0) == 1500.0
    backlog.observe(1, True, 2.0)
    assert backlog.at(2.0) == 500.0
    backlog.observe(2, True, 3.0)
    assert (backlog.at(3.0), backlog.rate) == (0.0, pytest.approx(500, rel=0.05))


def test_the_oldest_is_computed_as_fast_as_those_before_it() -> None:
    backlog = Backlog()
    backlog.add(1, 1000.0, 0.0)
    backlog.observe(1, True, 1.0)
    backlog.add(2, 4000.0, 10.0)
    backlog.add(3, 100.0, 10.0)
    assert backlog.at(12.0) == 4100.0 - 2 * 1000.0
    assert backlog.at(99.0) == 100.0  # no further than the oldest one


def test_what_never_brings_content_is_owed_no_more_and_says_nothing_of_the_rate() -> None:
    backlog = Backlog()
    backlog.add(1, 1000.0, 0.0)
    backlog.observe(1, False, 1.0)
    backlog.observe(1, False, 2.0)
    assert (backlog.at(2.0), backlog.rate) == (0.0, 0.0)


def test_one_that_overtakes_is_no_sample() -> None:
    backlog = Backlog()
    backlog.add(1, 1000.0, 0.0)
    backlog.add(2, 10.0, 0.0)
    backlog.observe(2, True, 5.0)
    assert (backlog.at(5.0), backlog.rate) == (1000.0, 0.0)
