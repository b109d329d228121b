"""Writing chat requests: what other front APIs can say, in chat's words."""

from typing import Any

import msgspec
import pytest

from backends.contract.conversation import (
    ANTHROPIC,
    Audio,
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Part,
    Raw,
    Text,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from backends.dialects.openai.chat.dialect import Chat


def body(*messages: Message, **asked: Any) -> dict[str, Any]:
    written = Chat(b"/chat/completions").write(
        Conversation(list(messages) or [Message("user", [Text("hi")])], **asked), "m"
    )
    decoded: dict[str, Any] = msgspec.json.decode(written.body)
    return decoded


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (
            Image("image/png", "UE5H", detail="low"),
            {"image_url": {"url": "data:image/png;base64,UE5H", "detail": "low"}},
        ),
        (Audio("wav", "UklG"), {"input_audio": {"data": "UklG", "format": "wav"}}),
        (Document(id="f"), {"file": {"file_id": "f"}}),
        (Document(url="u", name="a"), {"file": {"filename": "a", "file_data": "u"}}),
        (Document(data="UERG"), {"file": {"filename": "document", "file_data": "data:application/pdf;base64,UERG"}}),
    ],
)
def test_media_of_a_user(part: Part, said: dict[str, Any]) -> None:
    (made,) = body(Message("user", [part]))["messages"][0]["content"]
    assert said.items() <= made.items()


def test_what_a_tool_shows_follows_its_answer_as_the_users() -> None:
    asked = Message("assistant", [ToolCall("1", "f")])
    shown = Message("user", [ToolResult("1", [Text("a"), Text("b"), Image(url="u")])])
    _, result, user = body(asked, shown)["messages"]
    assert result == {"role": "tool", "tool_call_id": "1", "content": "a\nb"}
    assert user["content"] == [{"type": "image_url", "image_url": {"url": "u"}}]


def test_thoughts_go_back_with_what_proves_them() -> None:
    thoughts = [Thought("hm", "s", origin=ANTHROPIC), Thought(redacted="x", origin=ANTHROPIC)]
    (made,) = body(Message("assistant", [*thoughts, Text("so")]))["messages"]
    assert made["reasoning_content"] == "hm"
    assert [detail["type"] for detail in made["reasoning_details"]] == ["reasoning.text", "reasoning.encrypted"]


def test_tools_formats_and_names() -> None:
    schema = Format("json_schema", Raw(b"{}"), strict=True)
    named = Message("user", [Text("hi")], name="ann")
    made = body(
        named,
        tools=[Tool("f", description="d", strict=True)],
        tool_choice=ToolChoice("tool", "f"),
        response_format=schema,
    )
    assert made["messages"][0]["name"] == "ann"
    assert made["tools"][0]["function"] | {"parameters": None} == {
        "name": "f",
        "parameters": None,
        "description": "d",
        "strict": True,
    }
    assert made["tool_choice"] == {"type": "function", "function": {"name": "f"}}
    assert made["response_format"]["json_schema"] == {"name": "answer", "schema": {}, "strict": True}
    assert body(response_format=Format("json_object"))["response_format"] == {"type": "json_object"}
