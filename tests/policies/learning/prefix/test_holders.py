"""Holders: how far each endpoint reaches, as a plain count would say."""

from hypothesis import given
from hypothesis import strategies as st

from policies.learning.prefix.holders import BEST, Holders, Id


def id(number: int) -> Id:
    return ("pool", f"http://{number}")


@given(st.lists(st.integers(0, 30), max_size=40), st.integers(0, 40))
def test_each_of_the_best_is_told_how_far_it_reaches(reaches: list[int], asked: int) -> None:
    holders, blocks = Holders(), tuple(range(100, 140))
    for number, reach in enumerate(reaches):
        for block in blocks[:reach]:
            holders.add(block, id(number))
    found = holders.match(blocks, asked)
    want = {id(number): min(reach, asked) for number, reach in enumerate(reaches) if min(reach, asked)}
    assert found.items() <= want.items()
    assert sorted(found.values()) == sorted(want.values())[-BEST:]


def test_what_was_removed_is_not_held_and_leaves_nothing_behind() -> None:
    holders = Holders()
    holders.add(1, id(1))
    holders.remove(1, id(2))
    assert holders.match((1,), 1) == {id(1): 1}
    holders.remove(1, id(1))
    holders.remove(1, id(1))
    assert holders.match((1,), 1) == {}
    assert not holders.of
