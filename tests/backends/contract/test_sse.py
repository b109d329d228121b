"""Cutting a byte stream into events."""

import pytest

from backends.contract import sse


def test_a_chunk_that_ends_on_a_boundary_passes_as_the_same_object() -> None:
    chunk = b"data: 1\n\ndata: 2\n\n"
    assert sse.Events().feed(chunk) is chunk


@pytest.mark.parametrize("end", [b"\n\n", b"\r\n\r\n", b"\r\r", b"\n\r\n", b"\r\n\n"])
def test_every_line_end_makes_a_boundary(end: bytes) -> None:
    events = sse.Events()
    event = b"data: 1" + end
    for at in range(1, len(event)):
        assert events.feed(event[:at]) == b""
        assert events.feed(event[at:]) == event
        assert events.tail == b""


def test_an_unfinished_event_is_held_and_comes_out_whole() -> None:
    events = sse.Events()
    assert events.feed(b"data: 1\n\ndata: {") == b"data: 1\n\n"
    assert events.tail == b"data: {"
    assert events.feed(b'"a":1}') == b""
    assert events.feed(b"\n") == b""
    assert events.feed(b"\ndata") == b'data: {"a":1}\n\n'
    assert events.tail == b"data"


def test_an_event_without_end_is_refused_before_it_fills_the_memory() -> None:
    events = sse.Events()
    megabyte = bytes(2**20)
    with pytest.raises(sse.EventTooLong):
        for _ in range(sse.MAX_EVENT // len(megabyte) + 1):
            events.feed(megabyte)


def test_a_large_event_in_small_pieces_is_not_copied_over_and_over() -> None:
    events = sse.Events()
    for _ in range(20_000):
        assert events.feed(b"x" * 100) == b""
    assert len(events.feed(b"\n\n")) == 2_000_002


@pytest.mark.parametrize(
    ("data", "events"),
    [
        (b"data: 1\n\ndata: 2\n\n", [b"data: 1\n\n", b"data: 2\n\n"]),
        (b"data: 1\r\n\r\n: hi\r\n\r\n", [b"data: 1\r\n\r\n", b": hi\r\n\r\n"]),
        (b"data: 1\r\rdata: 2\r\r", [b"data: 1\r\r", b"data: 2\r\r"]),
        (b"event: a\ndata: 1\n\n", [b"event: a\ndata: 1\n\n"]),
    ],
)
def test_events_are_split_with_their_boundaries(data: bytes, events: list[bytes]) -> None:
    assert sse.split(data) == events


@pytest.mark.parametrize(
    ("event", "payload"),
    [
        (b"data: 1\n\n", b"1"),
        (b"data:1\r\n\r\n", b"1"),
        (b"data:  1\n\n", b" 1"),
        (b"data: 1\rdata: 2\r\r", b"1\n2"),
        (b"event: a\nid: 7\ndata: 1\n\n", b"1"),
        (b": a comment\n\n", b""),
        (b"datum: 1\n\n", b""),
        (b"data: caf\xc3\xa9 \xe2\x80\xa8\n\n", b"caf\xc3\xa9 \xe2\x80\xa8"),
        (b"\n\n", b""),
    ],
)
def test_the_payload_is_the_data_lines_joined(event: bytes, payload: bytes) -> None:
    assert sse.payload(event) == payload
