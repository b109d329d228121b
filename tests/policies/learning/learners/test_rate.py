"""A sliding minute, checked against counting it out."""

from hypothesis import given
from hypothesis import strategies as st

from policies.learning.learners.rate import WINDOW, Rate

arrivals = st.lists(st.tuples(st.integers(1, 50), st.floats(0, 40)), max_size=60)


@given(arrivals, st.floats(0, 200))
def test_it_is_the_sum_of_the_last_minute(came: list[tuple[int, float]], later: float) -> None:
    rate, now, seen = Rate(), 5000.0, []
    for amount, pause in came:
        now += pause
        rate.observe(amount, now)
        seen.append((int(now), amount))
        assert rate.at(now) == sum(a for at, a in seen if at > int(now) - WINDOW)
    now += later
    assert rate.at(now) == sum(a for at, a in seen if at > int(now) - WINDOW)


@given(arrivals, st.floats(0, 50), st.integers(0, 300))
def test_it_says_when_it_will_be_low_enough(came: list[tuple[int, float]], later: float, limit: int) -> None:
    rate, now = Rate(), 5000.0
    for amount, pause in came:
        now += pause
        rate.observe(amount, now)
    now += later
    wait = rate.opens_in(limit, now)
    assert 0 <= wait <= WINDOW
    assert rate.at(now + wait) <= limit
    assert wait == 0 or rate.at(now + wait - 1) > limit
