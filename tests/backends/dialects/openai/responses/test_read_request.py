"""Reading responses requests: every kind of part, tool and format."""

from typing import Any

import msgspec
import pytest

from backends.contract.conversation import (
    Audio,
    Conversation,
    Document,
    Format,
    Image,
    Part,
    Raw,
    Text,
    Tool,
    ToolChoice,
)
from backends.contract.peek import BadBody
from backends.dialects.openai.responses.read_request import read_responses
from tests.facts import facts


def read(**asked: Any) -> Conversation:
    return read_responses(facts(msgspec.json.encode({"input": "hi", **asked}), "responses"))


def part(given: dict[str, Any]) -> Part:
    return read(input=[{"role": "user", "content": [given]}]).messages[0].parts[0]


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ({"type": "refusal", "refusal": "no"}, Text("no")),
        (
            {"type": "input_image", "image_url": "https://x/a.png", "detail": "low"},
            Image(url="https://x/a.png", detail="low"),
        ),
        ({"type": "input_image", "image_url": "data:image/png;base64,UE5H"}, Image("image/png", "UE5H")),
        ({"type": "input_audio", "input_audio": {"format": "wav", "data": "UklG"}}, Audio("wav", "UklG")),
        ({"type": "input_file", "file_url": "https://x/a.pdf"}, Document(url="https://x/a.pdf")),
        ({"type": "input_file", "file_id": "f", "filename": "a.pdf"}, Document(id="f", name="a.pdf")),
        ({"type": "input_file", "file_data": "data:text/plain;base64,YQ=="}, Document("text/plain", "YQ==")),
        ({"type": "input_file", "file_data": "UERG"}, Document(data="UERG")),
    ],
)
def test_a_part_of_a_message(given: dict[str, Any], read_as: Part) -> None:
    assert part(given) == read_as


@pytest.mark.parametrize(
    ("asked", "param"),
    [
        ({"input": [{"role": "user", "content": [{"type": "input_file"}]}]}, "input[0].content[0]"),
        ({"input": [{"role": "user", "content": [{"type": "hologram"}]}]}, "input[0].content[0]"),
        ({"input": [{"type": "function_call", "name": "f", "arguments": {}}]}, "input[0].arguments"),
        ({"tool_choice": {"type": "hosted"}}, "tool_choice"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(asked: dict[str, Any], param: str) -> None:
    with pytest.raises(BadBody) as refused:
        read(**asked)
    assert refused.value.param == param


def test_tools_and_which_of_them() -> None:
    asked = read(
        tools=[{"type": "web_search"}, {"type": "function", "name": "f"}], tool_choice={"type": "function", "name": "f"}
    )
    assert asked.tools == [Tool("f")] and list(asked.extra) == ["tools[0]"]
    assert asked.tool_choice == ToolChoice("tool", "f")


@pytest.mark.parametrize(
    ("given", "read_as"),
    [
        ({"type": "text"}, None),
        ({"type": "json_object"}, Format("json_object")),
        ({"type": "json_schema", "name": "a", "schema": {}}, Format("json_schema", Raw(b"{}"), "a")),
    ],
)
def test_how_the_answer_must_look(given: dict[str, Any], read_as: Format | None) -> None:
    assert read(text={"format": given}).response_format == read_as
