"""Writing messages requests: what other front APIs can say, in Anthropic's words, or named as left out."""

import base64
from typing import Any

import msgspec
import pytest

from backends.contract.conversation import (
    Audio,
    Conversation,
    Document,
    Format,
    Image,
    Message,
    Part,
    Raw,
    Text,
    Tool,
    ToolChoice,
)
from backends.contract.dialect import Inexpressible
from backends.dialects.anthropic.messages.write_request import write_messages

HELLO = Message("user", [Text("hi")])


def written(*messages: Message, **asked: Any) -> tuple[dict[str, Any], tuple[str, ...]]:
    made = write_messages(Conversation(list(messages) or [HELLO], **asked), "claude-sonnet-4-5")
    return msgspec.json.decode(made.body), made.dropped


def block(part: Part) -> Any:
    return written(Message("user", [part]))[0]["messages"][0]["content"][0]


@pytest.mark.parametrize(
    ("part", "source"),
    [
        (Image(url="https://x/a.png"), {"type": "url", "url": "https://x/a.png"}),
        (Image("image/png", "UE5H"), {"type": "base64", "media_type": "image/png", "data": "UE5H"}),
        (Document(id="file_1"), {"type": "file", "file_id": "file_1"}),
        (Document(url="https://x/a.pdf"), {"type": "url", "url": "https://x/a.pdf"}),
        (Document(data="UERG"), {"type": "base64", "media_type": "application/pdf", "data": "UERG"}),
        (
            Document("text/markdown", base64.b64encode("é".encode()).decode()),
            {"type": "text", "media_type": "text/plain", "data": "é"},
        ),
    ],
)
def test_media_keep_where_they_are(part: Part, source: dict[str, str]) -> None:
    assert block(part)["source"] == source


def test_a_document_keeps_its_name_and_its_cache_marker() -> None:
    assert block(Document(id="f", name="a.pdf", cache="1h")) == {
        "type": "document",
        "source": {"type": "file", "file_id": "f"},
        "title": "a.pdf",
        "cache_control": {"type": "ephemeral", "ttl": "1h"},
    }


@pytest.mark.parametrize(
    "part", [Audio("wav", "UklGRg=="), Document("text/plain", "no base64!"), Document("text/plain", "/w==")]
)
def test_what_cannot_be_said_is_refused(part: Part) -> None:
    with pytest.raises(Inexpressible):
        block(part)


def test_sampling_is_said_where_it_differs_from_the_default() -> None:
    body, dropped = written(temperature=0.5, top_p=0.9, top_k=40)
    assert (body["temperature"], body["top_p"], body["top_k"], dropped) == (0.5, 0.9, 40, ())
    body, dropped = written(temperature=1.5, top_p=1)
    assert "temperature" not in body and "top_p" not in body and dropped == ("temperature",)


@pytest.mark.parametrize(
    ("asked", "one", "choice"),
    [
        (ToolChoice("tool", "f"), None, {"type": "tool", "name": "f"}),
        (ToolChoice("required"), False, {"type": "any", "disable_parallel_tool_use": True}),
        (None, False, {"type": "auto", "disable_parallel_tool_use": True}),
        (ToolChoice("none"), False, {"type": "none"}),
    ],
)
def test_which_tool_and_how_many_at_once(asked: ToolChoice | None, one: bool | None, choice: dict[str, Any]) -> None:
    body, _ = written(tools=[Tool("f")], tool_choice=asked, parallel_tool_calls=one)
    assert body["tool_choice"] == choice


def test_who_asks_and_how_soon_it_is_wanted() -> None:
    assert written(user="u1")[0]["metadata"] == {"user_id": "u1"}
    assert written(service_tier="auto")[0]["service_tier"] == "auto"
    assert written(service_tier="flex")[1] == ("service_tier",)


def test_a_schema_is_said_and_any_json_is_left_out() -> None:
    body, _ = written(response_format=Format("json_schema", Raw(b'{"type":"object"}')))
    assert body["output_config"]["format"] == {"type": "json_schema", "schema": {"type": "object"}}
    assert written(response_format=Format("json_object"))[1] == ("response_format",)


def test_fields_of_its_own_pass_and_those_of_others_are_named() -> None:
    body, dropped = written(extra={"cache_control": Raw(b'{"type":"ephemeral"}'), "frobnicate": Raw(b"1")})
    assert body["cache_control"] == {"type": "ephemeral"} and dropped == ("frobnicate",)


def test_a_beginning_of_the_answer_does_not_end_in_space() -> None:
    assert written(HELLO, Message("assistant", [Text("So, ")]))[0]["messages"][1]["content"][0]["text"] == "So,"
