"""Tokens that count bytes, and words that follow from a key."""

from hypothesis import given
from hypothesis import strategies as st

from backends.engine.text import (
    WORDS,
    block_keys,
    count_tokens,
    decode,
    encode,
    natural_length,
    pieces,
    voice,
    word,
    words,
)


@given(st.binary(max_size=200))
def test_decode_undoes_encode(data: bytes) -> None:
    assert decode(encode(data)) == data
    assert len(encode(data)) == count_tokens(data)


@given(st.lists(st.integers(), max_size=20))
def test_any_token_id_stands_for_some_bytes(ids: list[int]) -> None:
    assert len(decode(ids)) <= 4 * len(ids)


@given(st.text(max_size=200))
def test_pieces_join_to_the_text_and_none_is_empty_or_over_four_bytes(text: str) -> None:
    parts = pieces(text)
    assert "".join(parts) == text
    assert all(0 < len(part.encode()) <= 4 for part in parts)


@given(st.binary(min_size=1, max_size=300), st.integers(1, 8), st.integers(0, 299))
def test_equal_keys_mean_equal_text_up_to_there(data: bytes, block: int, at: int) -> None:
    changed = bytearray(data)
    changed[at % len(data)] ^= 1
    one, other = block_keys(data, block), block_keys(bytes(changed), block)
    same = at % len(data) // (block * 4)
    assert len(one) == len(data) // (block * 4)
    assert one[:same] == other[:same]
    assert not set(one[same:]) & set(other[same:])


def test_a_salt_separates_equal_texts() -> None:
    assert not set(block_keys(b"x" * 640, 16)) & set(block_keys(b"x" * 640, 16, "tenant"))


@given(st.binary(max_size=40), st.integers(0, 5), st.integers(1, 300), st.integers(0, 300))
def test_a_shorter_text_is_the_beginning_of_a_longer_one(prompt: bytes, seed: int, length: int, more: int) -> None:
    key = voice(prompt, seed, 0)
    text = words(key, length)
    assert words(key, length + more).startswith(text)
    assert len(pieces(text)) == length == count_tokens(text.encode())


def test_prompt_seed_and_choice_each_change_the_voice() -> None:
    assert len({voice(b"a", 0, 0), voice(b"b", 0, 0), voice(b"a", 1, 0), voice(b"a", 0, 1)}) == 4


def test_any_seed_will_do() -> None:
    assert voice(b"a", -(10**90), 0) != voice(b"a", 10**90, 0)


def test_a_natural_length_is_short() -> None:
    assert all(16 <= natural_length(voice(b"p", seed, 0)) < 128 for seed in range(200))


def test_every_word_is_one_token() -> None:
    listed = {word(number) for number in range(256)}
    assert len(listed) == len(WORDS) // 4
    assert all(item[0] == " " and item[1:].isalpha() for item in listed)
