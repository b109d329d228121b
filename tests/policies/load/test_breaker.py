"""The breaker: its table, its window and its one probe."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.load.breaker import TRANSITIONS, Breaker, BreakerRules, Signal, State

RULES = BreakerRules(failures=3, error_rate=0.5, min_requests=10, window=30.0, open_for=10.0)


def opened(at: float = 0.0) -> Breaker:
    breaker = Breaker(RULES)
    breaker.trip(at, at)
    return breaker


def test_failures_in_a_row_open_it() -> None:
    breaker = Breaker(RULES)
    for _ in range(2):
        breaker.observe(False, 1.0, 1.0)
    assert breaker.allows(1.0)
    breaker.observe(False, 1.0, 1.0)
    assert breaker.state is State.OPEN and not breaker.allows(1.0)


def test_a_success_breaks_the_row() -> None:
    breaker = Breaker(RULES)
    for ok in (False, False, True, False, False):
        breaker.observe(ok, 1.0, 1.0)
    assert breaker.state is State.CLOSED


def test_an_error_rate_opens_it_only_among_enough_requests() -> None:
    breaker = Breaker(RULES)
    for ok in (True, False, True, False, True, False, True, False, True):
        breaker.observe(ok, 1.0, 1.0)
    assert breaker.state is State.CLOSED
    breaker.observe(False, 1.0, 1.0)
    assert breaker.state is State.OPEN


def test_the_window_slides_and_forgets() -> None:
    breaker = Breaker(RULES)
    for at in (0.0, 1.0, 2.0, 3.0):  # four of eight failed, just within the rate's minimum
        breaker.observe(False, at, at)
        breaker.observe(True, at, at)
    breaker.observe(True, 16.0, 16.0)  # the next half still remembers them
    assert breaker.recent.sums[0] == 9
    breaker.observe(False, 60.0, 60.0)
    assert (breaker.recent.sums[0], breaker.recent.part_before) == (1, 0)


@pytest.mark.parametrize(("now", "state"), [(0.0, State.OPEN), (9.9, State.OPEN), (10.0, State.HALF_OPEN)])
def test_it_cools_by_the_time_it_is_given_and_reading_changes_nothing(now: float, state: State) -> None:
    breaker = opened()
    assert breaker.at(now) is state
    assert breaker.state is State.OPEN


def test_half_open_lets_exactly_one_probe_through() -> None:
    breaker = opened()
    assert breaker.allows(10.0)
    breaker.enter(10.0)
    assert not breaker.allows(10.0)
    assert not breaker.allows(1e6)


def test_a_good_probe_closes_it_with_a_clean_slate() -> None:
    breaker = opened()
    breaker.enter(10.0)
    breaker.observe(True, 10.0, 11.0)
    assert breaker.state is State.CLOSED
    breaker.observe(False, 11.0, 11.0)
    assert breaker.state is State.CLOSED


def test_a_bad_probe_opens_it_for_another_full_pause() -> None:
    breaker = opened()
    breaker.enter(10.0)
    breaker.observe(False, 10.0, 15.0)
    assert not breaker.allows(24.9)
    assert breaker.allows(25.0)


def test_content_from_the_probe_closes_it_before_the_answer_ends() -> None:
    breaker = opened()
    breaker.prove(5.0, 5.0)
    assert breaker.at(5.0) is State.OPEN
    breaker.enter(10.0)
    breaker.prove(10.0, 11.0)
    assert breaker.state is State.CLOSED


def test_a_cancelled_probe_frees_its_place() -> None:
    breaker = opened()
    breaker.enter(10.0)
    breaker.observe(None, 10.0, 11.0)
    assert breaker.at(11.0) is State.HALF_OPEN and breaker.allows(11.0)


def test_an_attempt_that_began_before_the_trip_does_not_close_it() -> None:
    breaker = opened()
    breaker.observe(True, -1.0, 3.0)
    assert not breaker.allows(3.0)


@pytest.mark.parametrize("ok", [True, False, None])
def test_what_became_of_an_older_attempt_is_not_taken_for_the_probes(ok: bool | None) -> None:
    """It began before the trip and ends while the probe is under way: neither verdict nor place of the probe's."""
    breaker = opened(5.0)
    breaker.enter(15.0)
    breaker.prove(4.0, 16.0)
    breaker.observe(ok, 4.0, 16.0)
    assert breaker.at(16.0) is State.HALF_OPEN and not breaker.allows(16.0)
    breaker.observe(True, 15.0, 17.0)
    assert breaker.state is State.CLOSED


def test_the_failures_of_an_outage_do_not_open_a_breaker_that_has_closed_since() -> None:
    breaker = opened(5.0)
    breaker.enter(15.0)
    breaker.observe(True, 15.0, 16.0)
    for _ in range(RULES.failures):
        breaker.observe(False, 4.0, 17.0)
    assert breaker.state is State.CLOSED


def test_what_says_nothing_of_the_endpoint_is_not_counted() -> None:
    breaker = Breaker(RULES)
    for _ in range(100):
        breaker.observe(None, 1.0, 1.0)
    assert breaker == Breaker(RULES)


def test_the_last_resort_through_an_open_breaker_is_no_probe() -> None:
    breaker = opened()
    breaker.enter(5.0)
    breaker.observe(True, 5.0, 6.0)
    assert breaker.at(6.0) is State.OPEN


def test_an_absent_endpoint_opens_it_at_once_in_every_state() -> None:
    closed, probed = Breaker(RULES), opened()
    probed.enter(10.0)
    for breaker in (closed, probed):
        breaker.trip(10.0, 10.0)
        assert not breaker.allows(10.0)


@given(st.lists(st.tuples(st.sampled_from(["enter", "ok", "fail", "none", "trip"]), st.floats(0, 20))))
def test_it_only_ever_moves_along_its_table(script: list[tuple[str, float]]) -> None:
    breaker, now, began = Breaker(RULES), 0.0, 0.0
    heard: dict[str, bool | None] = {"ok": True, "fail": False, "none": None}
    for step, pause in script:
        now += pause
        before, seen = breaker.state, breaker.at(now)
        if step == "enter":
            began = now
            breaker.enter(began)
        elif step == "trip":
            breaker.trip(began, now)
        else:
            breaker.observe(heard[step], began, now)
        reached = {before, seen} | {
            TRANSITIONS[state, signal]
            for state, signal in itertools.product((before, seen), Signal)
            if (state, signal) in TRANSITIONS
        }
        assert breaker.state in reached
        assert breaker.probe is None or breaker.state is State.HALF_OPEN
        assert 0 <= breaker.recent.part <= breaker.recent.whole
