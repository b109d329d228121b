"""Parts of Google's contents: what each of ours is, and what is none."""

from typing import Any

import msgspec
import pytest

from backends.contract.conversation import (
    ANTHROPIC,
    GOOGLE,
    Audio,
    Document,
    Image,
    Part,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from backends.contract.dialect import Inexpressible
from backends.dialects.google.parts import FOREIGN, of_model, of_user, result


@pytest.mark.parametrize(
    ("part", "said"),
    [
        (Document(id="gs://b/a.txt"), {"fileData": {"mimeType": "text/plain", "fileUri": "gs://b/a.txt"}}),
        (
            Document(id="https://g/files/1"),
            {"fileData": {"mimeType": "application/pdf", "fileUri": "https://g/files/1"}},
        ),
        (Image(url="https://x/a.PNG"), {"fileData": {"mimeType": "image/png", "fileUri": "https://x/a.PNG"}}),
        (Audio("flac", "ZkxhQw=="), {"inlineData": {"mimeType": "audio/flac", "data": "ZkxhQw=="}}),
    ],
)
def test_media_have_a_type(part: Part, said: dict[str, Any]) -> None:
    assert of_user(part) == said


@pytest.mark.parametrize("part", [Document(id="file_1"), ToolCall("1", "f")])
def test_what_google_cannot_be_shown_is_refused(part: Part) -> None:
    with pytest.raises(Inexpressible):
        of_user(part)


def test_a_signature_stands_on_what_it_was_given_with() -> None:
    thought = Thought("hm", "s", origin=GOOGLE)
    assert of_model([thought, Text("a"), Image("image/png", "UE5H")], signs=True)[0] == {
        "text": "a",
        "thoughtSignature": "s",
    }
    assert of_model([thought], signs=True) == [{"text": "", "thoughtSignature": "s"}]
    assert of_model([Thought("hm", "s", origin=ANTHROPIC), Text("a")], signs=True) == [{"text": "a"}]


def test_a_call_that_another_model_made_says_so() -> None:
    (call,) = of_model([ToolCall("", "f")], signs=True)
    assert call["thoughtSignature"] == FOREIGN and "id" not in call["functionCall"]


@pytest.mark.parametrize("arguments", ["[1]", "{"])
def test_arguments_that_are_no_object_are_refused(arguments: str) -> None:
    with pytest.raises(Inexpressible):
        of_model([ToolCall("1", "f", arguments)], signs=False)


@pytest.mark.parametrize(
    ("text", "failed", "response"),
    [
        ("no", True, {"error": "no"}),
        ('{"a":1}', False, {"a": 1}),
        ("{a", False, {"output": "{a"}),
        ("x", False, {"output": "x"}),
    ],
)
def test_what_a_tool_answered(text: str, failed: bool, response: dict[str, Any]) -> None:
    answered = result(ToolResult("", [Text(text), Image("image/png", "UE5H")], "f", failed))["functionResponse"]
    assert msgspec.json.decode(msgspec.json.encode(answered["response"])) == response
    assert "id" not in answered and len(answered["parts"]) == 1


def test_an_answer_to_no_call_is_refused() -> None:
    with pytest.raises(Inexpressible):
        result(ToolResult("1", []))
