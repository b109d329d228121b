"""The block cache against a plain account of who holds what."""

from hypothesis import given
from hypothesis import strategies as st

from backends.engine.kv_cache import KVCache


def filled(capacity: int, keys: list[int]) -> KVCache:
    """A cache where these keys were computed once and let go."""
    cache = KVCache(capacity)
    assert cache.reserve(len(keys))
    for key in keys:
        cache.publish(key)
    cache.release(keys, 0)
    return cache


def test_a_released_prefix_is_found_again() -> None:
    cache = filled(8, [1, 2, 3])
    assert cache.match([1, 2, 3, 4], 4) == 3
    assert cache.match([1, 9, 3], 3) == 1
    assert (cache.used, cache.idle) == (0, 3)


def test_the_limit_bounds_a_match() -> None:
    assert filled(8, [1, 2, 3]).match([1, 2, 3], 2) == 2


def test_the_least_recently_released_block_is_evicted_first_and_a_tail_before_its_head() -> None:
    cache = filled(4, [1, 2])
    cache.reserve(2)
    cache.publish(8)
    cache.publish(9)
    cache.release([8, 9], 0)
    assert cache.reserve(1)
    assert [cache.match([key], 1) for key in (1, 2, 8, 9)] == [1, 0, 1, 1]


def test_a_shared_block_is_never_evicted() -> None:
    cache = filled(3, [1, 2])
    cache.share([1, 2])
    assert not cache.reserve(2)
    assert cache.reserve(1)
    assert cache.match([1, 2], 2) == 2


def test_a_refused_reservation_changes_nothing() -> None:
    cache = filled(3, [1, 2])
    assert not cache.reserve(4)
    assert (cache.used, cache.idle) == (0, 2)


def test_twins_computed_at_once_become_one_block() -> None:
    cache = KVCache(4)
    cache.reserve(2)
    cache.publish(1)
    cache.publish(1)
    assert cache.used == 1
    cache.release([1], 0)
    assert cache.used == 1
    cache.release([1], 0)
    assert (cache.used, cache.idle) == (0, 1)


def test_clear_forgets_only_what_nobody_holds() -> None:
    cache = filled(4, [1, 2])
    cache.share([1])
    cache.clear()
    assert cache.match([1, 2], 2) == 1


@given(st.integers(1, 12), st.lists(st.tuples(st.integers(0, 3), st.integers(1, 6)), max_size=60))
def test_capacity_is_never_exceeded(capacity: int, steps: list[tuple[int, int]]) -> None:
    cache = KVCache(capacity)
    held: list[list[int]] = []
    for family, length in steps:
        keys = [family * 100 + position for position in range(length)]
        hit = cache.match(keys, length)
        cache.share(keys[:hit])
        if cache.reserve(length - hit):
            for key in keys[hit:]:
                cache.publish(key)
            held.append(keys)
        else:
            cache.release(keys[:hit], 0)
            if held:
                cache.release(held.pop(0), 0)
        assert cache.used + cache.idle <= capacity
        assert cache.used == len({key for keys in held for key in keys})
