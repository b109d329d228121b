"""Chains: what a prompt's bytes became is found again by whatever begins alike."""

from hypothesis import given
from hypothesis import strategies as st

from policies.learning.prefix.chains import Chains

FIRST, SECOND = tuple(range(100, 110)), (*range(100, 104), *range(204, 212))


def test_a_learned_prompt_reaches_its_end() -> None:
    chains = Chains()
    assert chains.find((1, 2)) == (0, None)
    chains.learn((1, 2), FIRST)
    depth, reach = chains.find((1, 2))
    assert (depth, reach.chain.names, reach.count) == (2, FIRST, 10)


def test_a_longer_prompt_is_known_as_far_as_it_was_learned() -> None:
    chains = Chains()
    chains.learn((1, 2), FIRST)
    depth, reach = chains.find((1, 2, 3, 4))
    assert (depth, reach.count) == (2, 10)


def test_the_middle_is_guessed_in_proportion_until_a_branch_shows_it() -> None:
    """Two prompts share one byte block of two, and four token blocks of ten."""
    chains = Chains()
    chains.learn((1, 2), FIRST)
    assert chains.find((1, 9))[1].count == 5
    chains.learn((1, 3), SECOND)
    assert chains.find((1, 9))[1].count == 4
    assert chains.find((1, 3))[1].count == 12
    assert chains.find((1, 2))[1].chain.names == FIRST


def test_what_is_proved_of_the_beginning_stays_proved() -> None:
    chains = Chains()
    chains.learn((1, 2), FIRST)
    chains.find((1, 2))[1].chain.proved = 7
    chains.learn((1, 3), SECOND)
    assert chains.find((1, 3))[1].chain.proved == 4


def test_what_was_not_asked_for_longest_is_forgotten_first() -> None:
    chains = Chains(most=3)
    chains.learn((1,), FIRST)
    chains.learn((2, 3), SECOND)
    chains.find((1,))
    chains.learn((4,), FIRST)
    assert chains.find((1,))[0] == 1
    assert chains.find((2, 3))[0] == 1  # the tail went before the head


texts = st.lists(st.integers(0, 2), min_size=1, max_size=12).map(tuple)


@given(st.lists(texts, max_size=12), texts, st.integers(1, 20))
def test_it_is_bounded_and_never_reaches_further_than_a_prompt_that_began_alike(
    learned: list[tuple[int, ...]], asked: tuple[int, ...], most: int
) -> None:
    """A byte block is a letter here, a token block half of one."""

    def blocks(text: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(hash(text[: n + 1]) for n in range(len(text)))

    def names(text: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(hash((text[: n + 1], half)) for n in range(len(text)) for half in (0, 1))

    chains = Chains(most)
    for text in learned:
        chains.learn(blocks(text), names(text))
    assert len(chains.known) <= most
    depth, reach = chains.find(blocks(asked))
    if reach is not None:
        assert reach.chain.names[: reach.count] == names(asked)[: 2 * depth]
