"""Hedging: late, likely to gain, room for it, and paid for."""

from hypothesis import given
from hypothesis import strategies as st

from policies.attempts.hedging import WINDOW, HedgeBudget, Waiting, Work, work, worth
from policies.attempts.wait_history import Waits
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.types import Price
from tests.policies.attempts.test_wait_history import waits
from tests.policies.world import place

NOW = 1000.0
SLOW_TAIL = waits(*[1.0] * 97, *[21.0] * 3)
QUICK = waits(*[0.5] * 30)
CALM = Waiting(10, 1)


def hedged(
    elapsed: float = 1.5, own: Waits | None = SLOW_TAIL, rival: Waits | None = QUICK, waiting: Waiting = CALM
) -> bool:
    return worth(elapsed, own, rival, waiting, place("r"))


def test_an_attempt_that_is_late_is_hedged() -> None:
    assert hedged()


def test_one_that_is_not_late_by_its_own_measure_is_not() -> None:
    assert not hedged(elapsed=1.0)


def test_nothing_is_hedged_on_a_guess() -> None:
    assert not hedged(own=None)
    assert not hedged(rival=None)
    assert not hedged(rival=waits(0.5))


def test_a_rival_that_takes_longer_than_what_is_left_is_no_rival() -> None:
    assert not hedged(rival=waits(*[30.0] * 30))


def test_when_many_are_late_at_once_another_place_is_no_faster() -> None:
    assert not hedged(waiting=Waiting(10, 3))
    assert hedged(waiting=Waiting(1, 1)), "one alone is not a pattern"


def test_a_busy_pool_gets_nothing_added() -> None:
    limited = place("r", limit=10)
    limited.pool.in_flight = 8
    assert not worth(1.5, SLOW_TAIL, QUICK, CALM, limited)
    limited.pool.in_flight = 7
    assert worth(1.5, SLOW_TAIL, QUICK, CALM, limited)
    full = place("r")
    full.load.scraped = EngineLoad(kv_usage=0.9)
    assert not worth(1.5, SLOW_TAIL, QUICK, CALM, full)


def test_the_budget_is_a_share_of_the_firsts_of_the_last_minutes() -> None:
    budget = HedgeBudget(share=0.1)
    assert not budget.take(Work(1), NOW)
    budget.first(Work(100), NOW)
    assert [budget.take(Work(5), NOW) for _ in range(3)] == [True, True, False]
    budget.first(Work(50), NOW + WINDOW / 2)
    assert budget.take(Work(5), NOW + WINDOW / 2)
    assert not budget.take(Work(1), NOW + 2 * WINDOW)


def test_spend_has_its_own_share_where_there_is_any() -> None:
    price = Price(10, 10)
    budget = HedgeBudget(share=0.5)
    budget.first(work(900, None), NOW)
    assert budget.take(work(100, price), NOW), "no first attempt was paid by the token"
    budget.first(work(100, price), NOW)
    assert not budget.take(work(10, price), NOW), "a hundred of a hundred paid tokens is too many already"


@given(st.lists(st.tuples(st.booleans(), st.floats(0.1, 100)), max_size=50), st.floats(0.01, 1))
def test_no_order_of_events_exceeds_the_share(events: list[tuple[bool, float]], share: float) -> None:
    budget = HedgeBudget(share=share)
    first = second = 0.0
    for is_first, tokens in events:
        if is_first:
            budget.first(Work(tokens), NOW)
            first += tokens
        elif budget.take(Work(tokens), NOW):
            second += tokens
        assert second <= share * first + 1e-9
