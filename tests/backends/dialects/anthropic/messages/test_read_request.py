"""Reading messages requests: every kind of block, whatever it holds."""

import base64
from typing import Any

import msgspec
import pytest

from backends.contract.conversation import Document, Image, Part, Text, ToolResult
from backends.contract.peek import BadBody
from backends.dialects.anthropic.messages.read_request import read_messages
from tests.facts import facts, facts_of


def read(block: dict[str, Any]) -> list[Part]:
    return read_messages(facts_of("messages", messages=[{"role": "user", "content": [block]}])).messages[0].parts


@pytest.mark.parametrize(
    ("source", "part"),
    [
        ({"type": "base64", "media_type": "application/pdf", "data": "UERG"}, Document(data="UERG", name="t")),
        ({"type": "text", "data": "é"}, Document("text/plain", base64.b64encode("é".encode()).decode(), name="t")),
        ({"type": "url", "url": "https://x/a.pdf"}, Document(url="https://x/a.pdf", name="t")),
        ({"type": "file", "file_id": "f"}, Document(id="f", name="t")),
    ],
)
def test_a_document_from_wherever(source: dict[str, str], part: Document) -> None:
    assert read({"type": "document", "title": "t", "source": source}) == [part]


def test_an_image_by_its_address() -> None:
    assert read({"type": "image", "source": {"type": "url", "url": "u"}}) == [Image(url="u")]


@pytest.mark.parametrize(
    ("content", "parts"),
    [("done", [Text("done")]), ("", []), (None, []), ([{"type": "text", "text": "a"}], [Text("a")])],
)
def test_what_a_tool_answered(content: Any, parts: list[Part]) -> None:
    assert read({"type": "tool_result", "tool_use_id": "1", "content": content}) == [ToolResult("1", parts)]


def test_a_document_that_is_elsewhere_is_refused_by_its_path() -> None:
    with pytest.raises(BadBody) as refused:
        read({"type": "document", "source": {"type": "tape"}})
    assert refused.value.param == "messages[0].content[0].source"


def test_tools_that_anthropic_runs_are_named_and_not_read() -> None:
    tools = [{"type": "web_search_20250305", "name": "web_search"}, {"name": "f"}]
    body = {"messages": [{"role": "user", "content": "hi"}], "tools": tools}
    asked = read_messages(facts(msgspec.json.encode(body), "messages"))
    assert [tool.name for tool in asked.tools] == ["f"] and "tools[0]" in asked.extra
