"""Converse's answers: streamed or whole they are the same events, however the bytes are cut."""

import base64
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.contract.events import (
    CallDelta,
    CallStart,
    Event,
    Finish,
    Signature,
    Start,
    TextDelta,
    ThoughtDelta,
    UsageSeen,
)
from backends.dialects.bedrock.dialect import Bedrock
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Usage
from tests.emulators.bedrock import STREAM, Says, message, stream
from tests.emulators.event_stream import event, exception, spoiled

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
TYPE = STREAM.encode()
SPOKEN = Says(
    (
        {"reasoningContent": {"reasoningText": {"text": "let me see", "signature": "c2ln"}}},
        {"reasoningContent": {"redactedContent": base64.b64encode(b"EtkE").decode()}},
        {"text": "Grüße aus Köln"},
        {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Köln", "n": [1, 2]}}},
        {"toolUse": {"toolUseId": "t2", "name": "now", "input": {}}},
    ),
    "tool_use",
)


def read(data: bytes, cuts: list[int], streamed: bool = True, model: str = CLAUDE) -> tuple[list[Event], Any]:
    reader = Bedrock(model).reader(streamed, TYPE)
    events, at = [], 0
    for cut in [*sorted(cuts), len(data)]:
        events += reader.feed(data[at:cut])
        at = max(at, cut)
    return events + reader.close(), reader.fault


def joined(events: list[Event]) -> list[Any]:
    """The events with neighbouring fragments of one thing put together."""
    out: list[Any] = []
    for one in events:
        last = out[-1] if out else None
        if isinstance(one, TextDelta | ThoughtDelta) and type(last) is type(one):
            out[-1] = type(one)(last.text + one.text)
        elif isinstance(one, CallDelta) and isinstance(last, CallDelta) and last.index == one.index:
            out[-1] = CallDelta(one.index, last.arguments + one.arguments)
        else:
            out.append(one)
    return out


EXPECTED = [
    Start(),
    ThoughtDelta("let me see"),
    Signature("c2ln", origin="anthropic"),
    Signature(redacted="EtkE", origin="anthropic"),
    TextDelta("Grüße aus Köln"),
    CallStart(0, "t1", "weather"),
    CallDelta(0, '{"city":"Köln","n":[1,2]}'),
    CallStart(1, "t2", "now"),
    CallDelta(1, "{}"),
    Finish("tool_calls"),
    UsageSeen(Usage(12, 7, 0, "upstream")),
]


@given(st.lists(st.integers(0, 3000), max_size=8))
def test_any_cut_of_a_stream_gives_the_same_events(cuts: list[int]) -> None:
    data = b"".join(stream(SPOKEN))
    events, fault = read(data, [min(cut, len(data)) for cut in cuts])
    assert fault is None
    assert joined(events) == EXPECTED


def test_byte_by_byte() -> None:
    data = b"".join(stream(SPOKEN))
    assert joined(read(data, list(range(len(data))))[0]) == EXPECTED


def test_a_whole_answer_is_the_stream_put_together() -> None:
    events, fault = read(msgspec.json.encode(message(SPOKEN)), [], streamed=False)
    assert fault is None
    assert joined(events) == EXPECTED


@pytest.mark.parametrize(
    ("reason", "finish"),
    [
        ("end_turn", "stop"),
        ("stop_sequence", "stop"),
        ("tool_use", "tool_calls"),
        ("max_tokens", "length"),
        ("model_context_window_exceeded", "length"),
        ("guardrail_intervened", "content_filter"),
        ("content_filtered", "content_filter"),
        ("something_new", "stop"),
    ],
)
def test_why_it_stopped(reason: str, finish: str) -> None:
    play = Says(stop=reason)
    for data, streamed in ((b"".join(stream(play)), True), (msgspec.json.encode(message(play)), False)):
        events, fault = read(data, [], streamed)
        assert fault is None and Finish(finish) in events


@pytest.mark.parametrize("reason", ["malformed_model_output", "malformed_tool_use"])
def test_an_answer_the_model_spoiled_is_a_failure(reason: str) -> None:
    play = Says(stop=reason)
    for data, streamed in ((b"".join(stream(play)), True), (msgspec.json.encode(message(play)), False)):
        _, fault = read(data, [], streamed)
        assert fault.failure is Failure.MALFORMED and reason in fault.message


def test_the_stop_sequence_where_it_is_told() -> None:
    body = message(Says(stop="stop_sequence")) | {"additionalModelResponseFields": {"stop_sequence": "END"}}
    assert Finish("stop", "END") in read(msgspec.json.encode(body), [], streamed=False)[0]


def test_usage_sums_cache_and_all() -> None:
    usage = {
        "inputTokens": 2,
        "outputTokens": 5,
        "totalTokens": 1342,
        "cacheReadInputTokens": 13,
        "cacheWriteInputTokens": 1322,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 1000}, {"ttl": "5m", "inputTokens": 322}],
    }
    events, _ = read(b"".join(stream(Says(usage=usage))), [])
    seen = next(one.usage for one in events if isinstance(one, UsageSeen))
    assert seen == Usage(1337, 5, 13, "upstream", 1322, 1000)
    assert seen.prompt + seen.completion == usage["totalTokens"]


def test_the_host_s_own_tools_are_no_calls_of_the_client_s() -> None:
    server = {"toolUseId": "s", "name": "nova_code_interpreter", "type": "server_tool_use"}
    frames = [
        event("messageStart", {"role": "assistant"}),
        event("contentBlockStart", {"contentBlockIndex": 0, "start": {"toolUse": server}}),
        event("contentBlockDelta", {"contentBlockIndex": 0, "delta": {"toolUse": {"input": "{}"}}}),
        event("contentBlockStop", {"contentBlockIndex": 0}),
        event(
            "contentBlockStart",
            {"contentBlockIndex": 1, "start": {"toolResult": {"toolUseId": "s", "status": "success"}}},
        ),
        event("contentBlockDelta", {"contentBlockIndex": 1, "delta": {"toolResult": [{"json": {"x": 1}}]}}),
        event("contentBlockStop", {"contentBlockIndex": 1}),
        event("contentBlockDelta", {"contentBlockIndex": 2, "delta": {"text": "4"}}),
        event("messageStop", {"stopReason": "end_turn"}),
    ]
    events, fault = read(b"".join(frames), [])
    assert fault is None
    assert events == [Start(), TextDelta("4"), Finish("stop")]


@pytest.mark.parametrize(
    ("kind", "fields", "failure"),
    [
        ("throttlingException", {"message": "Too many tokens"}, Failure.RATE_LIMITED),
        ("serviceUnavailableException", {"message": "x"}, Failure.OVERLOADED),
        ("internalServerException", {"message": "x"}, Failure.SERVER_ERROR),
        ("modelStreamErrorException", {"message": "x", "originalStatusCode": 500}, Failure.SERVER_ERROR),
        ("modelStreamErrorException", {"message": "x", "originalStatusCode": 429}, Failure.RATE_LIMITED),
        ("modelStreamErrorException", {"message": "x", "originalStatusCode": 529}, Failure.OVERLOADED),
        ("validationException", {"message": "Input is too long for requested model."}, Failure.CONTEXT_TOO_LONG),
        ("validationException", {"message": "nonsense"}, Failure.BAD_REQUEST),
    ],
)
def test_an_exception_in_the_stream(kind: str, fields: dict[str, Any], failure: Failure) -> None:
    before = stream(Says())[:3]
    events, fault = read(b"".join([*before, exception(kind, **fields), *before]), [])
    assert fault.failure is failure
    assert joined(events) == [Start(), TextDelta("Hello from")]  # and nothing after it


@pytest.mark.parametrize("ending", ["cut", "short"])
def test_a_stream_that_ends_early_is_broken(ending: str) -> None:
    _, fault = read(b"".join(stream(Says(ending=ending))), [])
    assert fault.failure is Failure.BROKEN_STREAM


@pytest.mark.parametrize("damaged", [spoiled(stream(Says())[2]), b"data: {}\n\n" * 3])
def test_damaged_bytes_are_malformed(damaged: bytes) -> None:
    reader = Bedrock(CLAUDE).reader(True, TYPE)
    assert reader.feed(stream(Says())[0]) == [Start()]
    assert reader.feed(damaged) == []
    assert reader.fault is not None and reader.fault.failure is Failure.MALFORMED
    assert reader.feed(stream(Says())[1]) == []


@pytest.mark.parametrize("body", [b"", b"{}", b"nonsense", b'{"output": 1, "stopReason": "end_turn"}'])
def test_a_whole_answer_that_is_none(body: bytes) -> None:
    events, fault = read(body, [], streamed=False)
    assert events == [] and fault.failure is Failure.MALFORMED
