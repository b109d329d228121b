"""The floor is a right proxy. Rule: whatever the packets, a message ends where its framing says."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.floor import Framing
from bench.load import Load
from bench.process import Process, free_port, python
from bench.wire import chat_body

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n"
SIZED = b"HTTP/1.1 200 OK\r\ncontent-length: 11\r\n\r\nhello\r\n\r\nxy"
EMPTY = b"GET /health HTTP/1.1\r\nhost: a\r\n\r\n"


@pytest.mark.parametrize("message", [CHUNKED, SIZED, EMPTY])
@pytest.mark.parametrize("size", [1, 2, 3, 5, 64, 1000])
def test_a_message_ends_with_its_last_byte_and_not_before(message: bytes, size: int) -> None:
    framing = Framing()
    for _ in range(2):
        pieces = [message[at : at + size] for at in range(0, len(message), size)]
        assert [framing.feed(piece) for piece in pieces] == [False] * (len(pieces) - 1) + [True]
        framing.reset()


@pytest.fixture
def floor(tmp_path: Path) -> Iterator[tuple[Process, str]]:
    mock, port = str(free_port()), str(free_port())
    with (
        Process(python("bench.mock", "--port", mock), {}, f"http://127.0.0.1:{mock}/health", tmp_path / "mock"),
        Process(
            python("bench.floor", "--port", port, "--upstream", mock),
            {},
            f"http://127.0.0.1:{port}/health",
            tmp_path / "floor",
        ) as process,
    ):
        yield process, f"http://127.0.0.1:{port}"


async def test_streams_and_long_prompts_pass_the_floor_whole(floor: tuple[Process, str]) -> None:
    process, url = floor
    before = process.cpu()
    streamed, asked = Load(url, chat_body(100, 20, 2)), Load(url, chat_body(300_000))
    await streamed.streams(connections=10, chunks=20, interval=0.002, repeats=2)
    await asked.rate(per_second=100, seconds=0.2)
    assert (streamed.result().requests, streamed.result().chunks, streamed.result().faults) == (20, 400, {})
    assert (asked.result().requests, asked.result().faults) == (20, {})
    assert process.cpu() > before
    assert process.rss_mib() > 1
