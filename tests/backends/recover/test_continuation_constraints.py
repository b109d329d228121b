"""What a continuation would not honour is named; what is harmless is not."""

from typing import Any

import pytest

from backends.recover.continuation_constraints import UNREADABLE, Asked, read
from tests.facts import facts, facts_of

CHAT: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "x"}]}


def asked(family: str = "chat", **fields: Any) -> Asked:
    base = CHAT if family == "chat" else {"model": "m", "prompt": "x"}
    return read(facts_of(family, **{**base, **fields}))


@pytest.mark.parametrize(
    "fields",
    [
        {"n": 2},
        {"logprobs": True},
        {"frequency_penalty": 0.5},
        {"presence_penalty": -1},
        {"repetition_penalty": 1.1},
        {"response_format": {"type": "json_object"}},
        {"response_format": {"type": "json_schema", "json_schema": {}}},
        {"structured_outputs": {"regex": "a+"}},
        {"guided_regex": "a+"},
        {"tool_choice": "required"},
        {"tool_choice": {"type": "function", "function": {"name": "f"}}},
        {"modalities": ["text", "audio"]},
        {"echo": True},
        {"add_generation_prompt": False},
    ],
    ids=lambda fields: "-".join(fields),
)
def test_an_obstacle_is_named(fields: dict[str, Any]) -> None:
    assert asked(**fields).obstacle == next(iter(fields))


def test_neutral_values_are_no_obstacle() -> None:
    plain = asked(
        n=1,
        logprobs=False,
        top_logprobs=0,
        frequency_penalty=0.0,
        presence_penalty=0,
        repetition_penalty=1.0,
        response_format={"type": "text"},
        tools=[{"type": "function"}],
        tool_choice="auto",
        unknown_field=7,
    )
    assert plain.obstacle == ""


def test_a_clients_own_prefill_can_grow_when_it_is_text() -> None:
    text = {"role": "assistant", "content": "Well,"}
    flags: dict[str, Any] = {"continue_final_message": True, "add_generation_prompt": False}
    assert asked(messages=[text], **flags).obstacle == ""
    parts = {"role": "assistant", "content": [{"type": "text", "text": "x"}]}
    assert asked(messages=[parts], **flags).obstacle == "continue_final_message"


@pytest.mark.parametrize(
    ("fields", "obstacle"),
    [
        ({"prompt": ["a", "b"]}, "prompt"),
        ({"prompt": [1, 2]}, "prompt"),
        ({"suffix": "x"}, "suffix"),
        ({"best_of": 2}, "best_of"),
        ({"logprobs": 0}, "logprobs"),
    ],
)
def test_what_a_completion_cannot_go_on_from(fields: dict[str, Any], obstacle: str) -> None:
    assert asked("completions", **fields).obstacle == obstacle
    assert asked("completions").obstacle == ""


def test_limits_stops_and_sampling_are_read() -> None:
    full = asked(max_tokens=9, max_completion_tokens=7, min_tokens=2, stop="END", temperature=0)
    assert (full.most, full.least, full.stops, full.repeatable) == (7, 2, ("END",), True)
    assert asked(stop=["a", "", "b"]).stops == ("a", "b")
    assert asked(seed=3, temperature=1).repeatable
    assert not asked(temperature=0.7).repeatable
    assert (asked().most, asked("completions").most) == (None, 16)
    assert asked(stream_options={"include_usage": True}).include_usage


@pytest.mark.parametrize("body", [b'{"model":"m","messages":[{"role":"user","content":"\xff"}]}', b'{"\xff":1}'])
def test_of_what_cannot_be_read_in_full_nothing_is_known(body: bytes) -> None:
    assert read(facts(body)) is UNREADABLE
