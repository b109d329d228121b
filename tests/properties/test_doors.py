"""Whatever a client sends, a door reads a conversation or says what is wrong; nothing else is raised."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.contract.adapter import Unsendable
from backends.contract.dialect import Dialect, Inexpressible
from backends.contract.peek import BadBody
from backends.dialects.anthropic.anthropic import Anthropic
from backends.dialects.openai.chat.dialect import Chat
from backends.serving.client_apis import TRANSLATED
from tests.facts import facts

WORDS = [
    "messages", "role", "content", "type", "text", "user", "assistant", "tool", "system", "tool_calls", "function",
    "arguments", "name", "id", "input", "tool_use", "tool_result", "image_url", "url", "source", "input_text", "tools",
    "message", "function_call", "call_id", "reasoning", "summary", "thinking", "signature", "stop", "tool_choice",
    "response_format", "json_schema", "schema", "max_tokens", "data:image/png;base64,AAAA", "{}", "[]", "",
]  # fmt: skip
LEAVES = st.none() | st.booleans() | st.integers(-5, 5) | st.sampled_from(WORDS)
JSON = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=5)
)
DIALECTS: tuple[Dialect, ...] = (Anthropic(), Chat(b"/chat/completions"))


def read(door: str, body: bytes) -> None:
    for dialect in DIALECTS:
        try:
            written = dialect.write(TRANSLATED[door].read(facts(body, door)), "m")
        except (BadBody, Inexpressible, Unsendable):
            continue
        assert isinstance(msgspec.json.decode(written.body), dict)


@pytest.mark.parametrize("door", sorted(TRANSLATED))
@given(value=st.dictionaries(st.sampled_from(WORDS), JSON, max_size=6))
@settings(max_examples=100, deadline=None)
def test_any_json_is_read_or_refused(door: str, value: dict[str, Any]) -> None:
    read(door, msgspec.json.encode(value))


MESSAGE = st.fixed_dictionaries({"role": st.sampled_from(["user", "assistant", "tool", "system"]), "content": JSON})
ITEM = st.fixed_dictionaries({"type": st.sampled_from(["message", "function_call", "reasoning"]), "role": LEAVES})


@pytest.mark.parametrize("door", sorted(TRANSLATED))
@given(messages=st.lists(MESSAGE, max_size=4), items=st.lists(ITEM, max_size=3))
@settings(max_examples=100, deadline=None)
def test_any_conversation_is_read_or_refused(door: str, messages: list[Any], items: list[Any]) -> None:
    read(door, msgspec.json.encode({"messages": messages, "input": items}))


@pytest.mark.parametrize("door", sorted(TRANSLATED))
@pytest.mark.parametrize(
    "body",
    [
        b'{"messages":[{"role":"user","content":"\xff"}],"input":"\xff"}',
        b'{"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"1","name":"f","input":{"a":"\xff"}}]}]}',
        b'{"messages":[{"role":"user","content":"a"}],"input":"a","frobnicate":"\xff"}',
        b'{"messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        b'{"messages":[{"role":"user","content":'
        + b'[{"type":"tool_result","content":' * 5000 + b'"x"' + b"}]" * 5000
        + b"}]}",
    ],
    ids=["text", "arguments", "unknown", "deep", "nested"],
)  # fmt: skip
def test_what_is_no_text_or_too_deep_is_read_or_refused(door: str, body: bytes) -> None:
    read(door, body)
