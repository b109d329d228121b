"""Reading chat requests: every kind of part, call and way to ask for reasoning."""

from typing import Any

import msgspec
import pytest

from backends.contract.conversation import Conversation, Document, Image, Part, Reasoning, Text, ToolCall
from backends.contract.peek import BadBody
from backends.dialects.openai.chat.read_request import read_chat
from tests.facts import facts


def read(message: dict[str, Any], **asked: Any) -> Conversation:
    return read_chat(facts(msgspec.json.encode({"messages": [message], **asked})))


@pytest.mark.parametrize(
    ("given", "part"),
    [
        ({"type": "refusal", "refusal": "no"}, Text("no")),
        ({"type": "image_url", "image_url": "https://x/a.png"}, Image(url="https://x/a.png")),
        ({"type": "file", "file": {"file_data": "https://x/a.pdf"}}, Document(url="https://x/a.pdf")),
        ({"type": "file", "file": {"file_data": "UERG", "filename": "a"}}, Document(data="UERG", name="a")),
        ({"type": "file", "file": {"file_id": "f"}}, Document(id="f")),
    ],
)
def test_a_part_of_a_message(given: dict[str, Any], part: Part) -> None:
    assert read({"role": "user", "content": [given]}).messages[0].parts == [part]


def test_a_cache_marker_of_the_whole_message_is_its_last_parts() -> None:
    marked = read({"role": "user", "content": "hi", "cache_control": {"type": "ephemeral"}})
    assert marked.messages[0].parts == [Text("hi", "5m")]


def test_a_call_from_before_there_were_tools() -> None:
    said = read(
        {"role": "assistant", "content": None, "refusal": "no", "function_call": {"name": "f", "arguments": ""}}
    )
    assert said.messages[0].parts == [Text("no"), ToolCall("", "f")]


@pytest.mark.parametrize(
    "message",
    [
        {
            "role": "tool",
            "tool_call_id": "1",
            "content": [{"type": "input_audio", "input_audio": {"format": "wav", "data": ""}}],
        },
        {"role": "assistant", "tool_calls": [{"id": "1", "type": "custom"}]},
    ],
)
def test_what_is_not_served_is_refused(message: dict[str, Any]) -> None:
    with pytest.raises(BadBody):
        read(message)


@pytest.mark.parametrize(
    ("asked", "reasoning"),
    [
        ({"thinking": {"type": "disabled"}}, Reasoning(budget=0)),
        ({"thinking": {"type": "enabled", "budget_tokens": 9, "display": "omitted"}}, Reasoning(budget=9, shown=False)),
        ({"reasoning": {"enabled": False}}, Reasoning(budget=0)),
        ({"reasoning": {"effort": "low", "exclude": True}}, Reasoning("low", shown=False)),
        ({"reasoning_effort": "high"}, Reasoning("high")),
    ],
)
def test_how_long_to_think(asked: dict[str, Any], reasoning: Reasoning) -> None:
    assert read({"role": "user", "content": "hi"}, **asked).reasoning == reasoning
