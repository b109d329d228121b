"""Chat streams: what commits, what is hidden, what is a fault."""

import pytest

from backends.contract import sse
from backends.reply.chat_stream import ChatStream
from backends.reply.tool_call_buffer import HeldCalls
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import NO_USAGE, Usage

ROLE = b'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
TEXT = b'data: {"choices":[{"index":0,"delta":{"content":"caf\xc3\xa9"},"finish_reason":null}]}\n\n'
STOP = b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n'
USAGE = (
    b'data: {"choices":[],"usage":{"prompt_tokens":5,"completion_tokens":7,"total_tokens":12,'
    b'"prompt_tokens_details":{"cached_tokens":3}}}\n\n'
)
DONE = b"data: [DONE]\n\n"
ERROR = b'data: {"error":{"message":"the engine died","type":"InternalServerError","code":500}}\n\n'
COUNTED = Usage(5, 7, 3, "upstream")


def delta(fields: bytes) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":%b}]}\n\n' % fields


def read(*chunks: bytes, hide: bool = True) -> tuple[ChatStream, bytes]:
    stream = ChatStream(hide_usage=hide)
    out = b"".join([stream.feed(chunk) for chunk in chunks])
    return stream, out + stream.close()


def test_a_whole_stream_passes_but_for_the_usage_nobody_asked_for() -> None:
    stream, out = read(ROLE, TEXT, STOP, USAGE, DONE)
    assert out == ROLE + TEXT + STOP + DONE
    assert stream.fault is None
    assert stream.usage == COUNTED


def test_usage_that_was_asked_for_passes() -> None:
    stream, out = read(ROLE, TEXT, STOP, USAGE, DONE, hide=False)
    assert out == ROLE + TEXT + STOP + USAGE + DONE
    assert stream.usage == COUNTED


def test_usage_beside_content_is_never_hidden() -> None:
    both = (
        b'data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":{"prompt_tokens":1,"completion_tokens":2}}\n\n'
    )
    stream, out = read(both, STOP, DONE)
    assert out == both + STOP + DONE
    assert stream.usage == Usage(1, 2, 0, "upstream")


def test_a_null_usage_is_no_usage() -> None:
    nothing = b'data: {"choices":[{"index":0,"delta":{"content":"a"}}],"usage":null}\n\n'
    stream, out = read(nothing, STOP, DONE)
    assert out == nothing + STOP + DONE
    assert stream.usage is NO_USAGE


def test_events_that_arrive_together_leave_together_as_the_same_object() -> None:
    stream = ChatStream(hide_usage=True)
    first, then = ROLE + TEXT, TEXT + TEXT
    assert stream.feed(first) is first
    assert stream.feed(then) is then


@pytest.mark.parametrize(
    "fields",
    [
        b'{"content":"a"}',
        b'{"content":" "}',
        b'{"content":[{"type":"text","text":"a"}]}',
        b'{"reasoning_content":"hm"}',
        b'{"reasoning":"hm"}',
        b'{"reasoning":{"text":"hm"}}',
        b'{"refusal":"no"}',
        b'{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"f","arguments":""}}]}',
        b'{"function_call":{"name":"f"}}',
        b'{"audio":{"data":"AAAA"}}',
    ],
)
def test_content_of_every_kind_commits(fields: bytes) -> None:
    stream = ChatStream(hide_usage=True)
    assert stream.feed(ROLE) == ROLE
    assert not stream.committed
    assert stream.feed(delta(fields)) == delta(fields)
    assert stream.committed and stream.progressed


@pytest.mark.parametrize(
    "event",
    [
        ROLE,
        b": ping\n\n",
        b"event: ping\n\n",
        USAGE,
        delta(b"{}"),
        delta(b"null"),
        delta(b'{"content":null,"tool_calls":null,"reasoning":null,"function_call":null,"audio":null,"refusal":null}'),
        delta(b'{"content":"","tool_calls":[],"reasoning":"","reasoning_content":""}'),
        b'data: {"choices":[]}\n\n',
        b'data: {"choices":null}\n\n',
        b"data: {}\n\n",
        b'data: {"choices":[{"index":0,"text":"","finish_reason":null}]}\n\n',
        b"data: garbage\n\n",
        b'data: {"error":null,"choices":[]}\n\n',
    ],
)
def test_what_holds_no_content_does_not_commit(event: bytes) -> None:
    stream = ChatStream(hide_usage=True)
    stream.feed(event)
    assert not stream.committed
    assert stream.fault is None


def test_a_finish_reason_alone_commits_an_empty_answer() -> None:
    stream, out = read(ROLE, STOP, DONE)
    assert stream.committed and stream.fault is None
    assert out == ROLE + STOP + DONE


def test_completions_commit_on_their_text() -> None:
    text = b'data: {"choices":[{"index":0,"text":"a","finish_reason":null}]}\n\n'
    stream = ChatStream(hide_usage=True)
    stream.feed(text)
    assert stream.committed


@pytest.mark.parametrize(
    "spelled", [b'"finish_reason":"stop"', b'"finish_reason": "stop"', b'"finish_reason" :\t "length"']
)
def test_a_finish_is_seen_however_it_is_spelled(spelled: bytes) -> None:
    stream, _ = read(TEXT, b'data: {"choices":[{"index":0,"delta":{},%b}]}\n\n' % spelled, DONE)
    assert stream.fault is None


def test_any_choice_of_several_commits_and_finishes() -> None:
    second = (
        b'data: {"choices":[{"index":0,"delta":{}},{"index":1,"delta":{"content":"b"},"finish_reason":"stop"}]}\n\n'
    )
    stream, _ = read(second, DONE)
    assert stream.committed and stream.fault is None


def test_done_without_a_finish_reason_is_a_failure_and_is_not_forwarded() -> None:
    stream, out = read(ROLE, TEXT, DONE)
    assert stream.fault is not None and stream.fault.failure is Failure.BROKEN_STREAM
    assert out == ROLE + TEXT


def test_a_stream_may_end_after_its_finish_without_done() -> None:
    stream, out = read(TEXT, STOP)
    assert stream.fault is None
    assert out == TEXT + STOP


@pytest.mark.parametrize("chunks", [(), (ROLE,), (ROLE, TEXT), (b": ping\n\n",)])
def test_a_stream_that_is_cut_off_is_broken(chunks: tuple[bytes, ...]) -> None:
    stream, _ = read(*chunks)
    assert stream.fault is not None and stream.fault.failure is Failure.BROKEN_STREAM


def test_half_an_event_never_reaches_the_client() -> None:
    stream, out = read(TEXT, TEXT[:30])
    assert out == TEXT
    assert stream.fault is not None


@pytest.mark.parametrize(("before", "committed"), [((ROLE,), False), ((ROLE, TEXT), True)])
def test_an_error_event_is_a_fault_with_its_own_words(before: tuple[bytes, ...], committed: bool) -> None:
    stream, out = read(*before, ERROR)
    assert out == b"".join(before)
    assert stream.committed is committed
    assert stream.fault is not None
    assert (stream.fault.failure, stream.fault.message) == (Failure.SERVER_ERROR, "the engine died")


@pytest.mark.parametrize("together", [True, False])
def test_an_error_wins_over_all_that_follows_it(together: bool) -> None:
    chunks = (TEXT, ERROR, TEXT, STOP, DONE)
    stream, out = read(*([b"".join(chunks)] if together else chunks))
    assert out == TEXT
    assert stream.fault is not None and stream.fault.failure is Failure.SERVER_ERROR


@pytest.mark.parametrize("error", [b'"it broke"', b'{"message":"it broke"}', b'{"message":"it broke","code":null}'])
def test_an_error_may_have_any_shape(error: bytes) -> None:
    stream, _ = read(b'data: {"error":%b}\n\n' % error)
    assert stream.fault is not None and stream.fault.message == "it broke"


def test_a_stream_of_garbage_is_malformed() -> None:
    stream, out = read(b"data: <html>\n\n", b"data: oops\n\n")
    assert not stream.committed
    assert stream.fault is not None and stream.fault.failure is Failure.MALFORMED
    assert out == b""


@pytest.mark.parametrize(
    "bad",
    [
        b"data: oops\n\n",
        b"data: <html>\r\n\r\n",
        b"data: " + b"[" * 100_000 + b"\n\n",
        TEXT[:-4] + b"\n\n",
        TEXT[:-12] + b"\n\n",
    ],
)
@pytest.mark.parametrize("together", [True, False])
def test_an_event_that_is_not_json_is_skipped_and_does_not_spoil_a_good_stream(bad: bytes, together: bool) -> None:
    stream, out = read(TEXT, TEXT + bad + TEXT, STOP, DONE) if together else read(TEXT, TEXT, bad, TEXT, STOP, DONE)
    assert stream.fault is None
    assert out == TEXT * 3 + STOP + DONE


def test_a_stream_that_is_cut_after_what_is_not_json_is_malformed() -> None:
    stream, out = read(ROLE, TEXT, b"data: oops\n\n")
    assert stream.fault is not None and stream.fault.failure is Failure.MALFORMED
    assert out == ROLE + TEXT


def test_an_event_of_another_shape_passes() -> None:
    odd = b'data: {"choices":7}\n\n'
    stream, out = read(TEXT, odd, STOP, DONE)
    assert (stream.fault, out) == (None, TEXT + odd + STOP + DONE)


SECOND = TEXT.replace(b'"index":0', b'"index":1')


@pytest.mark.parametrize(
    "chunks", [(ROLE, SECOND), (ROLE, TEXT, SECOND), (ROLE, TEXT + SECOND), (ROLE + TEXT + SECOND,)]
)
@pytest.mark.parametrize("end", [(STOP,), (STOP, DONE)])
def test_a_choice_that_was_not_finished_is_no_whole_answer(chunks: tuple[bytes, ...], end: tuple[bytes, ...]) -> None:
    stream, out = read(*chunks, *end)
    assert stream.fault is not None and stream.fault.failure is Failure.BROKEN_STREAM
    assert b"[DONE]" not in out
    stream, out = read(*chunks, STOP, STOP.replace(b'"index":0', b'"index":1'), DONE)
    assert stream.fault is None and out.endswith(DONE)


def test_what_follows_a_finish_does_not_open_its_choice_again() -> None:
    stream, _ = read(TEXT, STOP, TEXT, DONE)
    assert stream.fault is None


def test_an_event_named_error_is_one() -> None:
    stream, out = read(ROLE, b'event: error\ndata: {"message":"too many","type":"rate_limit_error"}\n\n', STOP, DONE)
    assert stream.fault is not None and stream.fault.failure is Failure.RATE_LIMITED
    assert out == ROLE


@pytest.mark.parametrize("beat", [b": ping\n\n", b"data:\n\n", b"data: {}\n\n", b'data: {"choices":[]}\n\n', b"\n\n"])
@pytest.mark.parametrize("before", [(ROLE,), (ROLE, TEXT)])
def test_a_heartbeat_is_no_progress(beat: bytes, before: tuple[bytes, ...]) -> None:
    stream = ChatStream(hide_usage=True)
    for chunk in before:
        stream.feed(chunk)
    stream.feed(beat)
    assert not stream.progressed


def test_words_in_the_text_are_not_taken_for_fields() -> None:
    text = delta(b'{"content":"\\"error\\": [DONE] \\"usage\\" \\"finish_reason\\":\\"stop\\""}')
    stream, out = read(TEXT, text, TEXT)
    assert out == TEXT + text + TEXT
    assert stream.fault is not None and stream.fault.failure is Failure.BROKEN_STREAM


def test_a_comment_after_the_commit_passes_and_is_no_progress() -> None:
    stream = ChatStream(hide_usage=True)
    stream.feed(TEXT)
    assert stream.feed(b": ping\n\n") == b": ping\n\n"
    assert not stream.progressed
    stream.feed(TEXT)
    assert stream.progressed


def test_half_an_event_is_no_progress_after_the_commit() -> None:
    stream = ChatStream(hide_usage=True)
    stream.feed(TEXT)
    stream.feed(b"data: ")
    assert not stream.progressed


def test_an_event_without_end_is_malformed() -> None:
    stream = ChatStream(hide_usage=True)
    piece = b"data: " + bytes(2**22)
    for _ in range(sse.MAX_EVENT // len(piece) + 1):
        assert stream.feed(piece) == b""
    assert stream.fault is not None and stream.fault.failure is Failure.MALFORMED


@pytest.mark.parametrize("size", [1, 7, len(TEXT), 3 * len(TEXT) + 1])
def test_deltas_of_a_chat_are_counted_however_they_are_cut(size: int) -> None:
    for decoder in (ChatStream(hide_usage=True), HeldCalls(ChatStream(hide_usage=True))):
        stream = ROLE + 12 * TEXT
        for at in range(0, len(stream), size):
            decoder.feed(stream[at : at + size])
        assert decoder.generated == 12
