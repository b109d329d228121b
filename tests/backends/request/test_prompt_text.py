"""Prompt text: what the user asked last, in every dialect of a request, and nothing else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.request.prompt_text import ENOUGH, PromptText, prompt_text
from tests.facts import facts, facts_of


def said(role: str, content: object) -> dict[str, object]:
    return {"role": role, "content": content}


@pytest.mark.parametrize(
    ("fields", "text", "turns"),
    [
        ({"messages": [said("system", "be kind"), said("user", "hello")]}, "hello", 1),
        ({"messages": [said("user", [{"type": "text", "text": "a"}, {"type": "image_url"}])]}, "a", 0),
        ({"messages": [said("user", "why?"), said("assistant", "so"), said("user", "and?")]}, "why?\nand?", 2),
        ({"messages": [said("user", "old"), said("user", "n" * ENOUGH)]}, "n" * ENOUGH, 1),
        ({"input": "hello"}, "hello", 0),
        ({"input": [{"type": "message", "role": "user", "content": [{"type": "input_text", "text": "a"}]}]}, "a", 0),
        ({"prompt": "hello"}, "hello", 0),
        ({"prompt": ["a", "b"]}, "a\nb", 1),
        ({"prompt": [[1, 2, 3]]}, "", 0),
        ({"messages": [said("assistant", "a"), said("tool", "b"), {"role": "user"}, 7]}, "", 3),
        ({"messages": None}, "", 0),
        ({}, "", 0),
    ],
)
def test_it_is_what_the_user_asked(fields: dict[str, object], text: str, turns: int) -> None:
    assert prompt_text(facts_of(**fields)) == PromptText(text, turns)


@given(st.binary(max_size=200))
def test_no_body_is_too_strange(data: bytes) -> None:
    prompt_text(facts(data))
    prompt_text(facts(b'{"messages":' + data + b"}"))
