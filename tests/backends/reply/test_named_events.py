"""Typed streams: responses, messages, images, transcriptions."""

import pytest

from backends.reply.named_events import ERRORS, LAST, PREAMBLE, TypedStream
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import NO_USAGE, Usage


def event(kind: str, fields: str = "") -> bytes:
    return f'event: {kind}\ndata: {{"type":"{kind}"{"," + fields if fields else ""}}}\n\n'.encode()


def read(*chunks: bytes) -> tuple[TypedStream, bytes]:
    stream = TypedStream()
    out = b"".join([stream.feed(chunk) for chunk in chunks])
    return stream, out + stream.close()


RESPONSE = (
    event("response.created", '"response":{"usage":null,"error":null}'),
    event("response.in_progress"),
    event("response.output_text.delta", '"delta":"hi"'),
    event("response.completed", '"response":{"error":null,"usage":{"input_tokens":9,"output_tokens":4,'
          '"input_tokens_details":{"cached_tokens":2}}}'),
)  # fmt: skip
MESSAGE = (
    event("message_start", '"message":{"usage":{"input_tokens":9,"cache_read_input_tokens":5,"output_tokens":1}}'),
    event("content_block_start", '"index":0,"content_block":{"type":"text","text":""}'),
    event("ping"),
    event("content_block_delta", '"delta":{"type":"text_delta","text":"hi"}'),
    event("message_delta", '"delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":4}'),
    event("message_stop"),
)
TRANSCRIPT = (
    b'data: {"object":"transcription.chunk","choices":[{"delta":{"content":"hi"}}]}\n\n',
    b'data: {"object":"transcription.chunk","choices":[{"delta":{},"finish_reason":"stop"}]}\n\n',
    b"data: [DONE]\n\n",
)


@pytest.mark.parametrize(
    ("chunks", "usage"),
    [
        (RESPONSE, Usage(9, 4, 2, "upstream")),
        (MESSAGE, Usage(14, 4, 5, "upstream")),
        (TRANSCRIPT, NO_USAGE),
        ((event("speech.audio.delta"), event("speech.audio.done")), NO_USAGE),
        ((event("image_generation.partial_image"), event("image_generation.completed")), NO_USAGE),
    ],
)
def test_a_whole_stream_passes_as_it_is(chunks: tuple[bytes, ...], usage: Usage) -> None:
    stream, out = read(*chunks)
    assert out == b"".join(chunks)
    assert (stream.fault, stream.usage) == (None, usage)
    stream = TypedStream()
    whole = b"".join(chunks)
    assert stream.feed(whole) is whole


@pytest.mark.parametrize("kind", sorted(PREAMBLE))
def test_the_preamble_is_held(kind: str) -> None:
    stream = TypedStream()
    stream.feed(event(kind))
    assert not stream.committed


@pytest.mark.parametrize("kind", ["response.output_text.delta", "content_block_delta", *sorted(LAST)])
def test_content_and_ends_commit(kind: str) -> None:
    stream = TypedStream()
    stream.feed(event(kind))
    assert stream.committed and stream.progressed


def test_a_ping_is_no_progress() -> None:
    stream = TypedStream()
    stream.feed(MESSAGE[3])
    stream.feed(event("ping"))
    assert not stream.progressed


@pytest.mark.parametrize("count", range(len(RESPONSE)))
def test_a_stream_that_is_cut_off_is_broken(count: int) -> None:
    stream, out = read(*RESPONSE[:count])
    assert stream.fault is not None and stream.fault.failure is Failure.BROKEN_STREAM
    assert out == b"".join(RESPONSE[:count])


def test_done_does_not_end_a_stream_whose_events_are_typed() -> None:
    stream, _ = read(*RESPONSE[:3], b"data: [DONE]\n\n")
    assert stream.fault is not None and stream.fault.failure is Failure.BROKEN_STREAM


@pytest.mark.parametrize(
    ("failed", "failure", "message"),
    [
        (event("error", '"error":{"type":"overloaded_error","message":"busy"}'), Failure.OVERLOADED, "busy"),
        (event("error", '"code":"rate_limit_exceeded","message":"slow"'), Failure.RATE_LIMITED, "slow"),
        (event("error", '"code":"server_error","message":"died"'), Failure.SERVER_ERROR, "died"),
        (
            event("response.failed", '"response":{"error":{"code":"server_error","message":"died"}}'),
            Failure.SERVER_ERROR,
            "died",
        ),
        (event("response.failed", '"response":{"error":null}'), Failure.SERVER_ERROR, "the upstream sent an error"),
        (b'data: {"error":{"message":"no","code":400}}\n\n', Failure.BAD_REQUEST, "no"),
    ],
)
@pytest.mark.parametrize("before", [0, 3])
def test_an_error_event_is_a_fault(failed: bytes, failure: Failure, message: str, before: int) -> None:
    stream, out = read(*RESPONSE[:before], failed, *RESPONSE[before:])
    assert out == b"".join(RESPONSE[:before])
    assert stream.committed == (before == 3)
    assert stream.fault is not None
    assert (stream.fault.failure, stream.fault.message) == (failure, message)


def test_a_null_error_is_no_error() -> None:
    chunks = (b'data: {"error":null,"choices":[]}\n\n', b"data: [DONE]\n\n")
    stream, out = read(*chunks)
    assert stream.fault is None
    assert out == b"".join(chunks)


@pytest.mark.parametrize("odd", [b": comment\n\n", b"data: 7\n\n", b'data: {"type":7}\n\n'])
def test_one_odd_event_passes_and_does_not_spoil_a_good_stream(odd: bytes) -> None:
    stream, out = read(RESPONSE[0], odd, *RESPONSE[1:])
    assert stream.fault is None
    assert out == RESPONSE[0] + odd + b"".join(RESPONSE[1:])


@pytest.mark.parametrize("bad", [b"data: garbage\n\n", b"data: " + b"[" * 100_000 + b"\n\n", b'data: {"type":"x\n\n'])
def test_an_event_that_is_not_json_is_skipped(bad: bytes) -> None:
    stream, out = read(RESPONSE[0], bad, *RESPONSE[1:])
    assert stream.fault is None
    assert out == b"".join(RESPONSE)
    stream, _ = read(*RESPONSE[:-1], bad)
    assert stream.fault is not None and stream.fault.failure is Failure.MALFORMED


def test_an_event_without_end_is_malformed() -> None:
    stream = TypedStream()
    for _ in range(9):
        assert stream.feed(bytes(2**22)) == b""
    assert stream.fault is not None and stream.fault.failure is Failure.MALFORMED


def test_the_sets_of_kinds_do_not_overlap() -> None:
    assert not PREAMBLE & LAST and not ERRORS & (PREAMBLE | LAST)


def test_typed_deltas_are_counted_and_nothing_else() -> None:
    stream = TypedStream()
    kinds = (
        "message_start",
        "content_block_start",
        "ping",
        "content_block_delta",
        "content_block_delta",
        "message_delta",
    )
    for kind in kinds:
        stream.feed(b'event: x\ndata: {"type": "%b"}\n\n' % kind.encode())
    assert stream.generated == 2
