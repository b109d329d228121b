"""The prefix index: what was sent is found again, as long as there is room and time for it."""

from hypothesis import given
from hypothesis import strategies as st

from policies.learning.prefix.holders import BEST
from policies.learning.prefix.index import PrefixIndex

A, B = ("pool", "http://a"), ("pool", "http://b")
ROOM = 1000


def test_nothing_is_held_at_first() -> None:
    assert PrefixIndex().match((1, 2, 3), 0.0) == {}


def test_each_holder_is_found_with_the_length_it_holds() -> None:
    index = PrefixIndex()
    index.hold(A, (1, 2, 3, 4), ROOM, 0.0)
    index.hold(B, (1, 2, 9), ROOM, 0.0)
    assert index.match((1, 2, 3, 5), 1.0) == {A: 3, B: 2}
    assert index.match((7, 8), 1.0) == {}


def test_the_tail_that_was_used_longest_ago_is_forgotten_first() -> None:
    index = PrefixIndex()
    index.hold(A, (1, 2, 3), 4, 0.0)
    index.hold(A, (7, 8), 4, 1.0)
    assert index.match((1, 2, 3), 1.0) == {A: 2}
    assert index.match((7, 8), 1.0) == {A: 2}


def test_use_keeps_a_block() -> None:
    index = PrefixIndex()
    index.hold(A, (1,), 2, 0.0)
    index.hold(A, (2,), 2, 1.0)
    index.hold(A, (1,), 2, 2.0)
    index.hold(A, (3,), 2, 3.0)
    assert index.match((1,), 3.0) == {A: 1}
    assert index.match((2,), 3.0) == {}


def test_what_was_not_used_for_the_time_to_live_is_not_believed() -> None:
    index = PrefixIndex(ttl=10.0)
    index.hold(A, (1, 2, 3), ROOM, 0.0)
    index.hold(A, (1,), ROOM, 8.0)
    assert index.match((1, 2, 3), 9.0) == {A: 3}
    assert index.match((1, 2, 3), 15.0) == {A: 1}


def test_a_cleared_endpoint_holds_nothing_and_the_others_what_they_held() -> None:
    index = PrefixIndex()
    index.hold(A, (1, 2), ROOM, 0.0)
    index.hold(B, (1,), ROOM, 0.0)
    index.clear(A)
    index.clear(("pool", "http://never-seen"))
    assert index.match((1, 2), 0.0) == {B: 1}


def test_of_many_holders_the_best_are_told() -> None:
    index = PrefixIndex()
    for number in range(1000):
        index.hold(("pool", f"http://{number}"), (1,), ROOM, 0.0)
    index.hold(A, (1, 2, 3), ROOM, 0.0)
    found = index.match((1, 2, 3, 4), 0.0)
    assert len(found) == BEST
    assert found[A] == 3


prompts = st.lists(st.integers(0, 3), min_size=1, max_size=6).map(
    lambda path: tuple(hash(tuple(path[: n + 1])) for n in range(len(path)))
)
steps = st.lists(st.tuples(st.sampled_from([A, B]), prompts), max_size=40)


@given(steps, prompts, st.integers(1, 12))
def test_it_is_bounded_and_never_finds_what_an_endpoint_was_not_sent(
    sent: list[tuple[tuple[str, str], tuple[int, ...]]], asked: tuple[int, ...], room: int
) -> None:
    index = PrefixIndex()
    for at, (id, blocks) in enumerate(sent):
        index.hold(id, blocks, room, float(at))
    assert all(len(held) <= room for held in index.held.values())
    assert sum(map(len, index.holders.of.values())) == sum(map(len, index.held.values()))
    for id, depth in index.match(asked, 100.0).items():
        assert any(to == id and blocks[:depth] == asked[:depth] for to, blocks in sent)


@given(steps, prompts)
def test_with_room_for_all_the_longest_prefix_sent_is_what_is_found(
    sent: list[tuple[tuple[str, str], tuple[int, ...]]], asked: tuple[int, ...]
) -> None:
    index, longest = PrefixIndex(), dict.fromkeys((A, B), 0)
    for at, (id, blocks) in enumerate(sent):
        index.hold(id, blocks, ROOM, float(at))
        shared = sum(1 for n in range(len(asked)) if blocks[: n + 1] == asked[: n + 1])
        longest[id] = max(longest[id], shared)
    assert index.match(asked, 100.0) == {id: depth for id, depth in longest.items() if depth}
