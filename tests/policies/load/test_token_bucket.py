"""A bucket: a burst at once, the rest at its rate, and never more."""

from hypothesis import given
from hypothesis import strategies as st

from policies.load.token_bucket import TokenBucket

NOW = 1000.0


def test_a_burst_is_free_and_the_rest_waits_its_turn() -> None:
    bucket = TokenBucket(rate=10, burst=20)
    assert [bucket.reserve(10, NOW) for _ in range(4)] == [0, 0, 1, 2]


def test_looking_reserves_nothing() -> None:
    bucket = TokenBucket(rate=10, burst=20)
    bucket.reserve(20, NOW)
    assert bucket.wait(10, NOW) == bucket.wait(10, NOW) == bucket.reserve(10, NOW) == 1


def test_it_fills_up_again_and_not_beyond() -> None:
    bucket = TokenBucket(rate=10, burst=20)
    bucket.reserve(20, NOW)
    assert bucket.wait(10, NOW + 1) == 0
    assert bucket.wait(20, NOW + 1) == 1
    bucket.reserve(20, NOW + 1000)
    assert bucket.wait(10, NOW + 1000) == 1


def test_more_than_a_burst_can_be_had() -> None:
    bucket = TokenBucket(rate=10, burst=20)
    assert bucket.reserve(1000, NOW) == 0
    assert bucket.reserve(1000, NOW) == 2


@given(st.lists(st.tuples(st.floats(0, 5), st.floats(0.1, 20)), min_size=1, max_size=40))
def test_no_stretch_of_time_holds_more_than_a_burst_and_the_rate(draws: list[tuple[float, float]]) -> None:
    bucket, now = TokenBucket(rate=10, burst=20), NOW
    used: list[tuple[float, float]] = []
    for gap, amount in draws:
        now += gap
        used.append((now + bucket.reserve(amount, now), amount))
    for start, _ in used:
        for end, _ in used:
            total = sum(amount for at, amount in used if start <= at <= end)
            assert total <= 20 + 10 * max(0.0, end - start) + 20 + 1e-6  # and the one that was begun on credit
