"""Hashes: the same everywhere, even, and moving little."""

from collections import Counter

from policies.vocabulary.hashing import digest, jump, mix, rendezvous, unit


def test_a_digest_is_the_same_in_every_process_and_tells_parts_apart() -> None:
    assert digest("a", "b") == 0xFFC151170352BAA3
    assert digest("ab", "") != digest("a", "b")


def test_every_draw_lies_strictly_between_nought_and_one() -> None:
    assert 0.0 < unit(0) < unit(2**63) < unit(2**64 - 1) < 1.0


def test_keys_fall_to_places_by_weight() -> None:
    marks = [digest("place", str(n)) for n in range(3)]
    weights = [1.0, 2.0, 5.0]
    won = Counter(max(range(3), key=lambda n: rendezvous(mix(key, 0), marks[n], weights[n])) for key in range(8000))
    for n, weight in enumerate(weights):
        assert abs(won[n] / 8000 - weight / 8) < 0.02


def test_when_a_place_is_added_only_its_share_of_the_keys_moves() -> None:
    keys = [digest(str(n)) for n in range(4000)]
    before, after = [jump(key, 9) for key in keys], [jump(key, 10) for key in keys]
    assert min(before) == 0 and max(before) == 8
    moved = [new for old, new in zip(before, after, strict=True) if old != new]
    assert set(moved) == {9} and 320 < len(moved) < 480
    assert max(Counter(before).values()) < 560
