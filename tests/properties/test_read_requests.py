"""Every front door: what is no request is refused by the path of what is wrong; what is one is read in full."""

from collections.abc import Callable
from typing import Any

import pytest

from backends.contract.conversation import (
    ANTHROPIC,
    GOOGLE,
    Conversation,
    Document,
    Image,
    Message,
    Text,
    Thought,
    ToolCall,
    ToolResult,
)
from backends.contract.facts import Facts
from backends.contract.peek import BadBody
from backends.dialects.anthropic.messages.read_request import read_messages
from backends.dialects.anthropic.messages.reasoning_signatures import mark, unmark
from backends.dialects.merge_turns import turns
from backends.dialects.openai.chat.read_request import read_chat
from backends.dialects.openai.responses.read_request import read_responses
from backends.dialects.openai.responses.reasoning_signatures import CALL, REDACTED, SIGNATURE, seal, unseal
from tests.facts import facts, facts_of

Read = Callable[[Facts], Conversation]
USER = {"role": "user", "content": "hi"}


def said(content: Any, role: str = "user") -> dict[str, Any]:
    return {"messages": [{"role": role, "content": content}]}


@pytest.mark.parametrize(
    ("read", "body", "param"),
    [
        (read_chat, {}, None),
        (read_chat, {"messages": "hi"}, "messages"),
        (read_chat, {"messages": [{"role": "robot", "content": "hi"}]}, "messages[0].role"),
        (read_chat, {"messages": [USER], "temperature": "hot"}, "temperature"),
        (read_chat, {"messages": [USER], "tool_choice": "maybe"}, "tool_choice"),
        (read_chat, {"messages": [USER], "tool_choice": {"type": "function"}}, "tool_choice"),
        (read_chat, {"messages": [USER], "tools": [{"type": "web_search"}]}, "tools[0]"),
        (read_chat, {"messages": [USER], "response_format": {"type": "json_schema"}}, "response_format"),
        (read_chat, said([{"type": "text"}]), "messages[0].content[0]"),
        (read_chat, said([{"type": "hologram"}]), "messages[0].content[0]"),
        (read_chat, said([{"type": "file", "file": {}}]), "messages[0].content[0].file"),
        (read_messages, said("hi", role="tool"), "messages[0].role"),
        (read_messages, said([{"type": "server_tool_use"}]), "messages[0].content[0]"),
        (read_messages, said([{"type": "image", "source": {"type": "tape"}}]), "messages[0].content[0].source"),
        (read_messages, {"messages": [USER], "tool_choice": {"type": "maybe"}}, "tool_choice.type"),
        (read_responses, {}, "input"),
        (read_responses, {"input": [{"type": "item_reference", "id": "x"}]}, "input[0]"),
        (read_responses, {"input": [{"role": "robot", "content": "hi"}]}, "input[0].role"),
        (read_responses, {"input": "hi", "previous_response_id": "resp_1"}, "previous_response_id"),
        (read_responses, {"input": "hi", "text": {"format": {"type": "json_schema"}}}, "text.format"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(read: Read, body: dict[str, Any], param: str | None) -> None:
    with pytest.raises(BadBody) as refused:
        read(facts_of(**body))
    assert refused.value.param == param
    assert str(refused.value)


@pytest.mark.parametrize("read", [read_chat, read_messages, read_responses])
@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"null", b'{"messages":[{}]}', b'{"input":7}'])
def test_what_is_no_request_at_all_is_refused(read: Read, body: bytes) -> None:
    with pytest.raises(BadBody):
        read(facts(body))


def test_a_chat_message_is_read_in_full() -> None:
    body = {
        "messages": [
            {"role": "developer", "content": "be short"},
            said([{"type": "file", "file": {"file_data": "data:application/pdf;base64,UEQ=", "filename": "a.pdf"}}])[
                "messages"
            ][0],
            {
                "role": "assistant",
                "content": None,
                "reasoning_details": [
                    {"type": "reasoning.text", "text": "hm", "signature": "s", "format": "anthropic-claude-v1"}
                ],
                "tool_calls": [
                    {
                        "id": "c1",
                        "function": {"name": "f", "arguments": '{"a":1}'},
                        "extra_content": {"google": {"thought_signature": "g"}},
                    }
                ],
            },
            {"role": "tool", "tool_call_id": "c1", "content": [{"type": "text", "text": "done"}]},
        ],
        "stop": "END",
        "max_tokens": 5,
        "max_completion_tokens": 6,
    }
    read = read_chat(facts_of(**body))
    assert [message.parts for message in read.messages] == [
        [Text("be short")],
        [Document("application/pdf", "UEQ=", name="a.pdf")],
        [Thought("hm", "s", origin=ANTHROPIC), ToolCall("c1", "f", '{"a":1}', "g", GOOGLE)],
        [ToolResult("c1", [Text("done")])],
    ]
    assert (read.stop, read.max_tokens) == (["END"], 6)


def test_turns_put_results_first_name_them_and_join_neighbours() -> None:
    conversation = Conversation(
        [
            Message("system", [Text("a")]),
            Message("user", [Text("b")]),
            Message("user", [Text("")]),
            Message("assistant", [ToolCall("1", "f")]),
            Message("assistant", [ToolCall("2", "g")]),
            Message("user", [Text("by the way"), ToolResult("1", [])]),
            Message("user", [ToolResult("2", [Image(url="u")])]),
            Message("developer", [Text("c")]),
        ]
    )
    system, messages = turns(conversation)
    assert system == [Text("a"), Text("c")]
    assert [message.role for message in messages] == ["user", "assistant", "user"]
    results = messages[2].parts
    assert [part.name for part in results if isinstance(part, ToolResult)] == ["f", "g"]
    assert isinstance(results[-1], Text)


def test_proofs_come_back_as_they_went() -> None:
    assert unmark(mark("s", ANTHROPIC)) == ("s", ANTHROPIC, False)
    assert unmark(mark("s", GOOGLE)) == ("s", GOOGLE, False)
    assert unmark(mark("s", GOOGLE, call=True)) == ("s", GOOGLE, True)
    assert unseal(seal(ANTHROPIC, SIGNATURE, "s"), "t") == (Thought("t", "s", origin=ANTHROPIC), False)
    assert unseal(seal(ANTHROPIC, REDACTED, "d"), "") == (Thought(redacted="d", origin=ANTHROPIC), False)
    assert unseal(seal(GOOGLE, CALL, "s"), "")[1]
    assert unseal("gAAAAABopaque", "t") == (Thought("t"), False)
