"""Prompt blocks: prompts that begin alike share the names of the blocks they share, and no others."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.request.prompt_blocks import BLOCK, MOST
from backends.request.prompt_blocks import prompt_blocks as blocks_of
from tests.facts import facts


def prompt_blocks(body: bytes) -> tuple[int, ...]:
    return blocks_of(facts(body))


def body(**fields: object) -> bytes:
    return msgspec.json.encode({"model": "m", **fields})


def talk(*texts: str) -> bytes:
    return body(messages=[{"role": "user", "content": text} for text in texts])


def shared(a: bytes, b: bytes) -> int:
    count = 0
    for one, other in zip(prompt_blocks(a), prompt_blocks(b), strict=False):
        if one != other:
            break
        count += 1
    return count


def test_a_conversation_that_goes_on_keeps_its_blocks() -> None:
    first = talk("x" * 3000)
    assert len(prompt_blocks(first)) == 5
    assert shared(first, talk("x" * 3000, "and then?" * 300)) == 5


def test_what_differs_early_shares_nothing() -> None:
    assert shared(talk("a" + "x" * 3000), talk("b" + "x" * 3000)) == 0


def test_other_fields_and_their_order_change_nothing() -> None:
    messages = [{"role": "user", "content": "x" * 3000}]
    one = msgspec.json.encode({"temperature": 1, "messages": messages, "model": "a"})
    other = msgspec.json.encode({"model": "b", "messages": messages, "stream": True})
    assert shared(one, other) == 5


def test_tools_come_first_as_they_do_in_a_chat_template() -> None:
    messages = [{"role": "user", "content": "x" * 3000}]
    plain, tooled = body(messages=messages), body(messages=messages, tools=[{"type": "function", "name": "f"}])
    assert shared(plain, tooled) == 0


def test_a_cache_salt_keeps_equal_prompts_apart() -> None:
    messages = [{"role": "user", "content": "x" * 3000}]
    salted = [body(messages=messages, cache_salt=salt) for salt in ("a", "b", "a")]
    assert shared(salted[0], salted[1]) == 0
    assert shared(salted[0], salted[2]) == 5


@pytest.mark.parametrize("field", ["prompt", "input", "instructions", "system"])
def test_every_dialect_s_prompt_is_read(field: str) -> None:
    assert len(prompt_blocks(body(**{field: "x" * 1100}))) == 2


@pytest.mark.parametrize("given", [b"", b"no json", b"[1]", b'{"messages": ', body(), body(messages=[])])
def test_what_has_no_prompt_has_no_blocks(given: bytes) -> None:
    assert prompt_blocks(given) == ()


def test_the_work_is_bounded() -> None:
    assert len(prompt_blocks(body(prompt="x" * (MOST + 100) * BLOCK))) == MOST


@given(st.text(max_size=40), st.integers(0, 4), st.text(max_size=40))
def test_blocks_agree_exactly_as_far_as_the_bytes_do(head: str, length: int, tail: str) -> None:
    one, other = (body(prompt=head + "x" * BLOCK * length + end) for end in ("", tail))
    data = [msgspec.json.encode(msgspec.json.decode(each)["prompt"]) for each in (one, other)]
    alike = 0
    while (end := (alike + 1) * BLOCK) <= min(map(len, data)) and data[0][:end] == data[1][:end]:
        alike += 1
    assert shared(one, other) == alike
