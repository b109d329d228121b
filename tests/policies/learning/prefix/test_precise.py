"""The precise index: what engines told takes the guess's place, and nothing else does."""

from policies.learning.prefix import token_blocks
from policies.learning.prefix.engine_cache import Mirror
from policies.learning.prefix.holders import Id
from policies.learning.prefix.precise import Precise

A, B = ("pool", "http://a"), ("pool", "http://b")
CLOUD = ("cloud", "https://c")
SIZE = 16
TEXT = list(range(SIZE * 10))
BYTES = (1, 2)  # its byte blocks
MOST = 1000


def index() -> Precise:
    """Two engines, heard from their first word on."""
    precise = Precise(size=SIZE)
    for id in (A, B):
        mirror = precise.watch(id)
        mirror.up = True
        precise.sized(mirror, SIZE)
        mirror.follow(0, b"")
        precise.judge(mirror)
    return precise


def holds(precise: Precise, id: Id, text: list[int]) -> Mirror:
    mirror = precise.mirrors[id]
    count = len(text) // SIZE
    mirror.stored([hash((id, n)) for n in range(count)], None, text, "", [""] * count)
    return mirror


def refined(precise: Precise, found: dict[Id, int], blocks: tuple[int, ...] = BYTES) -> tuple[dict[Id, int], bool]:
    matched = {id: count * 64 for id, count in found.items()}
    exact = precise.refine(matched, found, blocks, MOST)
    return matched, exact


def test_what_engines_told_takes_the_place_of_the_guess() -> None:
    precise = index()
    holds(precise, A, TEXT)
    precise.chains.learn(BYTES, token_blocks.names(TEXT, SIZE))
    assert refined(precise, {B: 2}) == ({A: 160}, True)  # B was sent it, and has evicted it since


def test_no_more_is_matched_than_the_prompt_is_long() -> None:
    precise = index()
    holds(precise, A, TEXT)
    precise.chains.learn(BYTES, token_blocks.names(TEXT, SIZE))
    matched: dict[Id, int] = {}
    assert precise.refine(matched, {}, BYTES, 100)
    assert matched == {A: 100}


def test_a_prompt_whose_tokens_are_not_known_is_guessed() -> None:
    precise = index()
    holds(precise, A, TEXT)
    assert refined(precise, {A: 2}) == ({A: 128}, False)
    assert refined(precise, {}) == ({}, True)  # nobody was sent anything like it


def test_a_chain_that_no_engine_was_seen_to_hold_is_not_relied_on() -> None:
    """The engine reads the prompt otherwise than its /tokenize says."""
    precise = index()
    holds(precise, A, TEXT)
    precise.chains.learn(BYTES, token_blocks.names([7, *TEXT], SIZE))
    assert refined(precise, {A: 2}) == ({A: 128}, False)


def test_a_chain_that_was_held_once_is_relied_on_when_it_is_gone() -> None:
    precise = index()
    mirror = holds(precise, A, TEXT)
    precise.chains.learn(BYTES, token_blocks.names(TEXT, SIZE))
    refined(precise, {})
    mirror.removed(list(mirror.names))
    assert refined(precise, {A: 2}) == ({}, True)


def test_beyond_what_is_known_of_a_prompt_the_guess_counts() -> None:
    """Its second half was sent to B a moment ago."""
    precise = index()
    holds(precise, A, TEXT)
    precise.chains.learn(BYTES, token_blocks.names(TEXT, SIZE))
    assert refined(precise, {B: 4}, (1, 2, 3, 4)) == ({A: 160, B: 256}, False)
    assert refined(precise, {B: 2}, (1, 2, 3, 4)) == ({A: 160}, True)


def test_an_engine_whose_events_are_missing_is_guessed_and_the_others_are_not() -> None:
    precise = index()
    holds(precise, A, TEXT)
    precise.chains.learn(BYTES, token_blocks.names(TEXT, SIZE))
    precise.mirrors[B].lost()
    precise.judge(precise.mirrors[B])
    assert refined(precise, {A: 1, B: 2}) == ({A: 160, B: 128}, False)


def test_a_part_that_an_engine_told_counts_though_it_was_not_heard_from_the_first_word_on() -> None:
    precise = index()
    holds(precise, A, TEXT)
    precise.chains.learn(BYTES, token_blocks.names(TEXT, SIZE))
    refined(precise, {})
    mirror = precise.mirrors[A]
    mirror.follow(5, b"")
    precise.judge(mirror)
    holds(precise, A, TEXT[: SIZE * 9])
    assert refined(precise, {A: 2}) == ({A: 144}, False)
    assert refined(precise, {A: 4}, (1, 2, 3, 4)) == ({A: 256}, False)


def test_places_without_events_are_none_of_its_business() -> None:
    precise = index()
    assert refined(precise, {CLOUD: 2}) == ({CLOUD: 128}, True)


def test_engines_of_another_block_size_cannot_be_compared() -> None:
    precise = index()
    holds(precise, A, TEXT)
    assert not precise.sized(precise.mirrors[B], 32)
    assert precise.size == SIZE


def test_a_pool_whose_blocks_all_changed_begins_anew() -> None:
    precise = index()
    precise.chains.learn(BYTES, token_blocks.names(TEXT, SIZE))
    assert precise.sized(precise.mirrors[B], 32)
    assert precise.size == 32
    assert not precise.chains.known


def test_a_forgotten_engine_leaves_nothing_behind() -> None:
    precise = index()
    holds(precise, A, TEXT)
    precise.forget(A)
    precise.forget(B)
    assert not precise.holders.of
    assert not precise.doubtful
