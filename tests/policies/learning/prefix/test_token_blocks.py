"""Names of token blocks: equal for equal beginnings, and for nothing else."""

from hypothesis import given
from hypothesis import strategies as st

from policies.learning.prefix.token_blocks import marks, name, names, root

tokens = st.lists(st.integers(0, 3), max_size=40)


@given(tokens, tokens, st.integers(1, 5))
def test_names_are_equal_exactly_as_far_as_the_texts_are(one: list[int], other: list[int], size: int) -> None:
    a, b = names(one, size), names(other, size)
    assert len(a) == len(one) // size
    for number in range(min(len(a), len(b))):
        end = (number + 1) * size
        assert (a[number] == b[number]) == (one[:end] == other[:end])


def test_an_adapter_and_a_salt_keep_texts_apart() -> None:
    text = [1, 2, 3, 4]
    told = {names(text, 2, adapter, salt)[-1] for adapter in ("", "sql") for salt in ("", "team-a", "team-b")}
    assert len(told) == 6


def test_a_salt_is_named_as_the_event_of_its_first_block_names_it() -> None:
    first = name(root(""), (1, 2), marks(["team-a"]))
    assert names([1, 2, 3, 4], 2, salt="team-a") == (first, name(first, (3, 4), marks([])))


def test_names_are_the_same_in_every_process() -> None:
    assert names([1, 2, 3, 4], 2, "sql", "team-a") == (16736801626969778862, 10908880451332250790)
