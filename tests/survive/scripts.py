"""Misbehaviour. Rule: each script does one wrong thing, to the byte, for any family; streamed or not."""

import asyncio
import gzip
import socket
import struct
from collections.abc import Awaitable, Callable

import msgspec

from tests.contracts.scripted import ANSWER, Call, Script, begin, error, stream, whole
from tests.survive.speech import PARTS, error_event, good, ping

Play = Callable[[str, bool], Script]
IN_A_MINUTE = ("date: Wed, 21 Oct 2026 07:28:00 GMT", "retry-after: Wed, 21 Oct 2026 07:29:00 GMT")
OVERLOAD = b'{"error": {"message": "slow down", "type": "rate_limit_error", "code": 429, "retry_after": 60}}'
PAGE = b"<html><body>Bad gateway</body></html>"
BAD = b'data: {"choices": [{"index": 0, "delta"\n\n'
BEAT = 0.02  # seconds between pings, far below any limit


def always(script: Script) -> Play:
    return lambda family, streamed: script


def first(play: Play) -> Play:
    """Once so, then well: a script of its own for each pair, since it counts."""

    def made(family: str, streamed: bool) -> Script:
        bad, well = play(family, streamed), good(family, streamed)
        calls = 0

        async def script(call: Call) -> None:
            nonlocal calls
            calls += 1
            await (bad if calls == 1 else well)(call)

        return script

    return made


def status(number: int, *lines: str, **said: str) -> Play:
    return always(error(number, *lines, **said))


def limited(*lines: str, **said: str) -> Play:
    return status(429, *lines, **said)


def retry_info(delay: str) -> Play:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": delay}]
    body = {"error": {"code": 429, "message": "exhausted", "status": "RESOURCE_EXHAUSTED", "details": details}}
    return always(whole(msgspec.json.encode(body), status=429))


def page(code: int) -> Play:
    return always(whole(PAGE, status=code, content_type="text/html"))


def empty(body: bytes, content_type: str) -> Play:
    return always(whole(body, content_type=content_type))


# The connection


async def drop(call: Call) -> None:
    """A TCP reset."""
    raw = call.writer.get_extra_info("socket")
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    call.writer.transport.abort()


async def shut(call: Call) -> None:
    call.cut()


async def waits(call: Call) -> None:
    await call.left.wait()


reset, closed, silent = always(drop), always(shut), always(waits)


def headers_then(then: Callable[[Call], Awaitable[None]]) -> Play:
    def made(family: str, streamed: bool) -> Script:
        async def script(call: Call) -> None:
            await begin(call, "text/event-stream" if streamed else "application/json")
            await then(call)

        return script

    return made


async def _half(call: Call) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%b"
    await call.send(head % (len(ANSWER), ANSWER[: len(ANSWER) // 2]))


def half(family: str, streamed: bool) -> Script:
    async def script(call: Call) -> None:
        await _half(call)
        call.cut()

    return script


def half_silent(family: str, streamed: bool) -> Script:
    async def script(call: Call) -> None:
        await _half(call)
        await call.left.wait()

    return script


# Streams


def says(*parts: str) -> Play:
    """These parts of a good stream, ended in order."""
    return lambda family, streamed: stream(*(getattr(PARTS[family], part) for part in parts))


def cut(*parts: str) -> Play:
    return lambda family, streamed: stream(*(getattr(PARTS[family], part) for part in parts), end=False)


def cut_in_event(family: str, streamed: bool) -> Script:
    parts = PARTS[family]
    return stream(parts.before + parts.text, parts.text[: len(parts.text) // 2], end=False)


def half_the_choices(family: str, streamed: bool) -> Script:
    parts = PARTS[family]
    second = parts.text.replace(b'"index": 0', b'"index": 1')
    return stream(parts.before, parts.text, second, parts.last, parts.done)


async def _pings(call: Call, beat: bytes) -> None:
    while not call.left.is_set():
        await call.chunk(beat)
        await asyncio.sleep(BEAT)


def only_pings(family: str, streamed: bool) -> Script:
    async def script(call: Call) -> None:
        await begin(call)
        await call.chunk(PARTS[family].before)
        await _pings(call, ping(family))

    return script


def stalls(family: str, streamed: bool) -> Script:
    async def script(call: Call) -> None:
        await begin(call)
        await call.chunk(PARTS[family].before + PARTS[family].text)
        await call.left.wait()

    return script


def stalls_pinging(family: str, streamed: bool) -> Script:
    async def script(call: Call) -> None:
        await begin(call)
        await call.chunk(PARTS[family].before + PARTS[family].text)
        await _pings(call, ping(family))

    return script


def malformed_inside(family: str, streamed: bool) -> Script:
    parts = PARTS[family]
    return stream(parts.before, BAD, parts.text + BAD, BAD, parts.last, parts.done)


def malformed_end(family: str, streamed: bool) -> Script:
    parts = PARTS[family]
    return stream(parts.before, parts.text, BAD)


def endless_pings(family: str, streamed: bool) -> Script:
    long = ping(family).removesuffix(b"\n\n") + b" " * 10_000 + b"\n\n"

    async def script(call: Call) -> None:
        await begin(call)
        while True:
            await call.chunk(long * 10)

    return script


malformed = always(stream(b"data: <html>\n\n", b"data: oops\n\n"))


def in_band(*parts: str) -> Play:
    def made(family: str, streamed: bool) -> Script:
        said = PARTS[family]
        return stream(*(getattr(said, part) for part in parts), error_event(family), said.last, said.done)

    return made


def limit_late(family: str, streamed: bool) -> Script:
    parts = PARTS[family]
    return stream(parts.before, parts.text, b"data: " + OVERLOAD + b"\n\n", parts.last, parts.done)


# Answers that are none


error_body = always(whole(b'{"error": {"message": "it died", "type": "InternalServerError", "code": 500}}'))
limit_body = always(whole(OVERLOAD))
not_a_stream = always(whole(ANSWER))
no_content = always(whole(b"", status=204))
redirect = always(whole(b"", "location: /v1/chat/completions", status=307))
gzip_bomb = always(whole(gzip.compress(bytes(50_000_000)), "content-encoding: gzip"))


def stream_unasked(family: str, streamed: bool) -> Script:
    return good(family, True)


def without_end(head: bytes, piece: bytes) -> Play:
    async def script(call: Call) -> None:
        await call.send(head)
        while True:
            await call.send(piece)

    return always(script)


def raw(data: bytes) -> Play:
    async def script(call: Call) -> None:
        await call.send(data)
        await call.left.wait()

    return always(script)


JSON = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n"
endless_header = without_end(b"HTTP/1.1 200 OK\r\n", b"x-filler: %b\r\n" % (b"a" * 1000))
endless_100 = without_end(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
endless_trailer = without_end(JSON + b"2\r\n{}\r\n0\r\n", b"x-filler: %b\r\n" % (b"a" * 60_000))
not_http = raw(b"SSH-2.0-OpenSSH_9.2\r\n")
odd_status = raw(b"HTTP/1.1 099 Odd\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}")
switches = raw(b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n\x81\x02hi")
bad_chunk = raw(JSON + b"zz\r\n{}\r\n0\r\n\r\n")
