"""The load generator's checks. Rule: each fault a gateway could add is added by a bad upstream, and found."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable

import pytest

from bench.load import Load
from bench.wire import ANSWER, chat_body, mark

CHUNKS = 6
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n"
DONE = b"data: [DONE]\n\n"


def chunk(sequence: int, stream: int = 7) -> bytes:
    return b'data: {"choices":[{"index":0,"delta":{"content":"%s"}}]}\n\n' % mark(stream, sequence, 1)


def framed(*events: bytes) -> bytes:
    return b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events) + b"0\r\n\r\n"


def streamed(*events: bytes) -> bytes:
    return HEAD + framed(*events)


def whole(text: str, status: str = "200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status.encode(), len(text), text.encode())


GOOD = [chunk(number) for number in range(CHUNKS)]


@contextlib.asynccontextmanager
async def upstream(reply: Callable[[asyncio.StreamWriter], None]) -> AsyncIterator[str]:
    """An upstream that answers each request as `reply` writes it."""

    serving: set[asyncio.Task[None] | None] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        serving.add(asyncio.current_task())
        with contextlib.suppress(asyncio.IncompleteReadError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                await reader.readexactly(int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0]))
                reply(writer)
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    await asyncio.gather(*(task for task in serving if task))


async def faults_of_a_stream(*answer: bytes) -> dict[str, int]:
    async with upstream(lambda writer: writer.write(b"".join(answer))) as url:
        load = Load(url, chat_body(100, CHUNKS, 1))
        await load.streams(connections=1, chunks=CHUNKS, interval=0.001, repeats=1)
        return load.result().faults


async def test_a_whole_stream_has_no_fault() -> None:
    assert await faults_of_a_stream(streamed(*GOOD, DONE)) == {}


@pytest.mark.parametrize(
    ("events", "fault"),
    [
        ([*GOOD[:2], *GOOD[3:], DONE], "lost chunk"),
        ([*GOOD[:-1], DONE], "lost chunk"),
        ([GOOD[1], GOOD[0], *GOOD[2:], DONE], "reordered chunk"),
        ([*GOOD, GOOD[-1], DONE], "repeated chunk"),
        ([*GOOD[:-1], chunk(CHUNKS - 1, stream=8), DONE], "chunk of another stream"),
        (GOOD, "no [DONE]"),
        ([DONE], "lost chunk"),
    ],
)
async def test_a_bad_stream_is_named_by_its_fault(events: list[bytes], fault: str) -> None:
    assert await faults_of_a_stream(streamed(*events)) == {fault: 1}


async def test_a_chunk_cut_anywhere_by_the_network_is_not_lost() -> None:
    body = b"".join([*GOOD, DONE])
    for size in (1, 2, 7, 33):
        pieces = [body[at : at + size] for at in range(0, len(body), size)]
        assert await faults_of_a_stream(streamed(*pieces)) == {}


async def test_a_stream_that_dies_is_a_lost_connection() -> None:
    def reply(writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + framed(*GOOD[:3])[:-5])
        writer.close()

    async with upstream(reply) as url:
        load = Load(url, chat_body(100, CHUNKS, 1))
        await load.streams(connections=3, chunks=CHUNKS, interval=0.001, repeats=1)
    assert load.result().faults == {"connection lost": 3}


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (whole("busy", "503 Service Unavailable"), "status 503"),
        (whole("another answer"), "wrong answer"),
        (whole(ANSWER[:-1]), "wrong answer"),
        (b"SSH-2.0-none\r\n\r\n", "not HTTP"),
    ],
)
async def test_a_bad_answer_is_counted_and_gives_no_latency(answer: bytes, fault: str) -> None:
    async with upstream(lambda writer: writer.write(answer)) as url:
        load = Load(url, chat_body(100))
        await load.closed(connections=2, seconds=5)
    result = load.result()
    assert result.faults == {fault: 2}
    assert result.requests == 0
    assert result.latency is None


async def test_a_closed_port_is_a_fault_at_any_pattern() -> None:
    async with upstream(lambda writer: None) as url:
        pass
    for run in (Load.rate, Load.closed):
        load = Load(url, chat_body(100))
        await run(load, 2, 1)
        assert load.result().faults == {"no connection": 2}


async def test_a_request_that_is_never_answered_is_given_up_and_counted() -> None:
    async with upstream(lambda writer: None) as url:
        load = Load(url, chat_body(100), patience=0.1)
        await load.closed(connections=2, seconds=0.1)
    assert load.result().faults == {"unanswered": 2}


async def test_a_fixed_rate_sends_what_it_promised() -> None:
    async with upstream(lambda writer: writer.write(whole(ANSWER))) as url:
        load = Load(url, chat_body(100))
        await load.rate(per_second=200, seconds=0.5)
    assert (load.result().requests, load.result().faults) == (100, {})
