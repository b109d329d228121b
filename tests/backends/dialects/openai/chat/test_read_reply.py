"""Chat streams as events: each tool call is one, however its pieces come; or the stream is malformed."""

from typing import Any

import msgspec
import pytest

from backends.contract.events import CallDelta, CallStart, Event, Finish, TextDelta
from backends.dialects.openai.chat.read_reply import ChatMeaning
from policies.vocabulary.failure import Failure


def heard(*deltas: dict[str, Any], finish: str = "tool_calls") -> tuple[list[Event], ChatMeaning]:
    meaning = ChatMeaning()
    chunks = [{"choices": [{"index": 0, "delta": delta}]} for delta in deltas]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": finish}]})
    events = [event for chunk in chunks for event in meaning.read(msgspec.json.encode(chunk))]
    return [event for event in events if isinstance(event, CallStart | CallDelta | TextDelta | Finish)], meaning


def call(index: int, arguments: str = "", name: str | None = None) -> dict[str, Any]:
    return {"tool_calls": [{"index": index, "id": name, "function": {"name": name, "arguments": arguments}}]}


def test_two_calls_without_arguments_are_two_calls_with_none() -> None:
    """Seen: both were given their {} at the end, when only the last one was open: it got both."""
    events, meaning = heard(call(0, name="a"), call(1, name="b"))
    assert meaning.fault is None
    assert [type(event) for event in events] == [CallStart, CallDelta, CallStart, CallDelta, Finish]
    assert [(event.index, event.arguments) for event in events if isinstance(event, CallDelta)] == [
        (0, "{}"),
        (1, "{}"),
    ]


def test_text_after_a_call_without_arguments_ends_the_call() -> None:
    events, _ = heard(call(0, name="a"), {"content": "so"})
    assert [type(event) for event in events] == [CallStart, CallDelta, TextDelta, Finish]


def test_pieces_of_a_call_that_is_over_are_malformed_and_go_to_no_other() -> None:
    """Seen: after another call had begun, or the finish was told, they went to whatever was open, or crashed."""
    for deltas in (
        [call(0, "{", "a"), call(1, "{", "b"), call(0, "}")],
        [call(0, "{", "a"), {"content": "so"}, call(0, "}")],
    ):
        events, meaning = heard(*deltas)
        assert meaning.fault is not None and meaning.fault.failure is Failure.MALFORMED
        assert [event.arguments for event in events if isinstance(event, CallDelta)] in (["{", "{"], ["{"])


def test_logprobs_that_are_no_text_are_malformed_and_skipped() -> None:
    """Seen by fuzzing: they passed as raw bytes, and writing the answer crashed on them."""
    meaning = ChatMeaning()
    with pytest.raises(ValueError):
        meaning.read(b'{"choices":[{"index":0,"delta":{"content":"x"},"logprobs":{"content":["\xf8"]}}]}')
