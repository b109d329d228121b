"""However the network cuts a stream: the same bytes, the same commit, the same usage, the same fault."""

from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.contract import sse
from backends.contract.decoder import Decoder
from backends.dialects.openai.azure import AzureStream
from backends.reply.chat_stream import ChatStream
from backends.reply.named_events import TypedStream
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import Usage

CHAT = (
    '{"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{"content":"caf\u00e9 \U0001f4a7"},"finish_reason":null}]}',
    '{"choices":[{"index":1,"delta":{"reasoning":"so"}}]}',
    '{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0}]},"finish_reason":null}]}',
    '{"choices":[{"index":0,"delta":{"content":"a\\n\\n\\"error\\""}}]}',
    '{"choices":[{"index":0,"delta":{},"finish_reason" : "stop"}]}',
    '{"choices":[{"index":0,"delta":{},"finish_reason":"length"}]}',
    '{"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7}}',
    '{"choices":[{"index":0,"delta":{"content":"b"}}],"usage":{"prompt_tokens":5,"completion_tokens":1}}',
    '{"choices":[{"index":0,"delta":{"content":"b"}}],"usage":null}',
    '{"error":{"message":"died","code":500}}',
    "garbage",
    "[DONE]",
)
AZURE = (
    *CHAT,
    '{"choices":[],"id":"","prompt_filter_results":[{"prompt_index":0}]}',
    '{"choices":[{"index":0,"delta":{"content":"c"}}],"prompt_filter_results":[]}',
)
TYPED = (
    '{"type":"response.created","response":{"usage":null}}',
    '{"type":"ping"}',
    '{"type":"response.output_text.delta","delta":"\u00e9"}',
    '{"type":"response.completed","response":{"usage":{"input_tokens":3,"output_tokens":4}}}',
    '{"type":"message_start","message":{"usage":{"input_tokens":3,"output_tokens":1}}}',
    '{"type":"message_delta","usage":{"output_tokens":4}}',
    '{"type":"error","error":{"message":"died"}}',
    '{"choices":[{"delta":{"content":"a"}}]}',
    "garbage",
    "[DONE]",
)
ENDS = ("\n", "\r\n", "\r")


@st.composite
def streams(draw: st.DrawFn, payloads: tuple[str, ...], mixed: bool = False) -> list[bytes]:
    """Events in any order, with line ends of any kind (``mixed``: in one stream) and comments between them."""
    end = draw(st.sampled_from(ENDS))
    events = []
    for payload in draw(st.lists(st.sampled_from(payloads), max_size=8)):
        end = draw(st.sampled_from(ENDS)) if mixed else end
        name = draw(st.sampled_from(["", f"event: x{end}", f": ping{end}", f": ping{end}{end}"]))
        events.append(f"{name}data: {payload}{end}{end}".encode())
    return events


@st.composite
def cut(draw: st.DrawFn, data: bytes) -> list[bytes]:
    places = sorted(draw(st.sets(st.integers(0, len(data)), max_size=12)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)], strict=True)]


def relay(decoder: Decoder, chunks: list[bytes]) -> tuple[bytes, int | None, Usage, Fault | None]:
    """What was forwarded, how many bytes had come in when it committed, and the facts at the end."""
    out, seen, committed = b"", 0, None
    for chunk in chunks:
        out += decoder.feed(chunk)
        seen += len(chunk)
        if decoder.committed and committed is None:
            committed = seen
    return out + decoder.close(), committed, decoder.usage, decoder.fault


def check(make: Callable[[], Decoder], events: list[bytes], tail: bytes, data: st.DataObject) -> None:
    whole = b"".join(events) + tail
    expected, exact, usage, fault = relay(make(), [whole[i : i + 1] for i in range(len(whole))])
    chunks = data.draw(cut(whole))
    forwarded, committed, *facts = relay(make(), chunks)
    assert (forwarded, *facts) == (expected, usage, fault)
    assert (committed is None) == (exact is None)
    if exact is not None and committed is not None:  # in the very chunk that completed the event, and not before
        arrivals = [sum(map(len, chunks[:n])) for n in range(1, len(chunks) + 1)]
        assert committed == next(arrival for arrival in arrivals if arrival >= exact)


@settings(deadline=None, max_examples=250)
@given(streams(CHAT), st.sampled_from([b"", b"data: {", b"data"]), st.booleans(), st.data())
def test_any_split_of_a_chat_stream_reads_the_same(
    events: list[bytes], tail: bytes, hide: bool, data: st.DataObject
) -> None:
    check(lambda: ChatStream(hide_usage=hide), events, tail, data)


@settings(deadline=None, max_examples=100)
@given(streams(AZURE), st.sampled_from([b"", b"data: {", b"data"]), st.booleans(), st.data())
def test_any_split_of_azure_s_stream_reads_the_same(
    events: list[bytes], tail: bytes, hide: bool, data: st.DataObject
) -> None:
    check(lambda: AzureStream(hide_usage=hide), events, tail, data)


@settings(deadline=None, max_examples=150)
@given(streams(TYPED, mixed=True), st.sampled_from([b"", b"data: {", b"data"]), st.data())
def test_any_split_of_a_typed_stream_reads_the_same(events: list[bytes], tail: bytes, data: st.DataObject) -> None:
    check(TypedStream, events, tail, data)


@settings(deadline=None, max_examples=200)
@given(streams(CHAT, mixed=True), st.data())
def test_only_whole_events_leave_and_none_is_lost(events: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(events)
    cutter = sse.Events()
    pieces = [cutter.feed(chunk) for chunk in data.draw(cut(whole))]
    assert b"".join(pieces) == whole
    assert cutter.tail == b""
    assert b"".join(sse.split(whole)) == whole
    assert [sse.payload(e) for e in sse.split(whole) if sse.payload(e)] == [sse.payload(e) for e in events]


@pytest.mark.parametrize("hide", [True, False])
@settings(deadline=None, max_examples=100)
@given(streams(CHAT))
def test_only_unasked_usage_and_what_is_not_json_is_taken_out(hide: bool, events: list[bytes]) -> None:
    out, _, _, fault = relay(ChatStream(hide_usage=hide), events)
    if fault is not None:
        return
    gone = [event for event in events if (hide and b'"choices":[],"usage"' in event) or b"garbage" in event]
    assert len(out) == sum(map(len, events)) - sum(len(sse.split(event)[-1]) for event in gone)


TEXT = '{"choices":[{"index":0,"delta":{"content":"%s"},"logprobs":null,"finish_reason":null}]}'
TEXTS = (
    "a",
    "",
    "usage",
    "error",
    "caf\u00e9",
    "a\\n",
    "\\\\",
    '\\"',
    '\\"},\\"usage\\":',
    "\\u0022",
    "[DONE]",
    "data: {",
)
BREAKS = (
    TEXT % 'a"},"finish_reason":"stop","x":{"a":"',
    TEXT % 'a"}}],"usage":{"prompt_tokens":5,"completion_tokens":7},"x":[{"a":{"b":"',
    TEXT % 'a"}}],"error":{"message":"died"},"x":[{"a":{"b":"',
    TEXT % "a\n\ndata: [DONE]\n\n",
    TEXT % "a\r\r",
    TEXT.replace('"index":0', '"index":1') % "a",
)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from([*(TEXT % text for text in TEXTS), *BREAKS, *CHAT]), max_size=10))
def test_a_delta_passes_by_its_looks_as_it_passes_when_it_is_read(payloads: list[str]) -> None:
    """Each event in a packet of its own, where one like the last is not looked through; and one byte at a time."""
    events = [f"data: {each}\n\n".encode() for each in [TEXT % "first", *payloads]]
    by_byte = [bytes([byte]) for event in events for byte in event]
    whole, cut_up = relay(ChatStream(True), events), relay(ChatStream(True), by_byte)
    assert (whole[0], *whole[2:]) == (cut_up[0], *cut_up[2:])
