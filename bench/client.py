"""One client connection and the check of what it gets. Rule: a reply is right to the last chunk, or it has a fault.

Nothing here decides what to send or when: load.py does.
"""

import asyncio
import time
from typing import Protocol

import httptools

from bench.wire import ANSWER, MARK

WHOLE_ANSWER = ANSWER.encode()


class Reply(Protocol):
    """What came back so far; `fault` is asked once, at the end, and None means right."""

    def feed(self, piece: bytes) -> None: ...
    def fault(self) -> str | None: ...


class WholeReply:
    """A non-streamed answer: it must be the mock's own."""

    def __init__(self) -> None:
        self.pieces: list[bytes] = []

    def feed(self, piece: bytes) -> None:
        self.pieces.append(piece)

    def fault(self) -> str | None:
        return None if WHOLE_ANSWER in b"".join(self.pieces) else "wrong answer"


class StreamReply:
    """A streamed answer: every chunk once, in order, of one stream, then [DONE]."""

    def __init__(self, chunks: int, delays: list[float]) -> None:
        self.chunks = chunks
        self.delays = delays  # seconds each chunk was under way, shared by all streams of a run
        self.marks: list[tuple[int, int]] = []
        self.first_at = 0.0
        self.tail = b""
        self.finished = False

    def feed(self, piece: bytes) -> None:
        now = time.monotonic_ns()
        data = self.tail + piece
        cut = data.rfind(b"\n") + 1
        self.tail = data[cut:]
        self.finished = self.finished or b"[DONE]" in data
        for stream, sequence, sent in MARK.findall(data, 0, cut):
            self.marks.append((int(stream), int(sequence)))
            self.delays.append((now - int(sent)) / 1e9)
        if self.marks and not self.first_at:
            self.first_at = now / 1e9

    def fault(self) -> str | None:
        numbers = [number for _, number in self.marks]
        if len({stream for stream, _ in self.marks}) > 1:
            return "chunk of another stream"
        if len(set(numbers)) < len(numbers):
            return "repeated chunk"
        if len(numbers) < self.chunks:
            return "lost chunk"
        if numbers != sorted(numbers):
            return "reordered chunk"
        return None if self.finished else "no [DONE]"


class Connection(asyncio.Protocol):
    """One keep-alive connection, one exchange at a time."""

    def __init__(self) -> None:
        self.reply: Reply | None = None
        self.lost = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    async def exchange(self, request: bytes, reply: Reply) -> str | None:
        """The fault of this exchange, or None. A connection is not used again after a fault."""
        if self.lost:
            return "connection lost"
        self.reply = reply
        self.parser = httptools.HttpResponseParser(self)
        self.ended: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        try:
            fault = await self.ended
        except asyncio.CancelledError:
            self.transport.close()
            raise
        if fault:
            self.transport.close()
        return fault

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.end("not HTTP")

    def on_body(self, piece: bytes) -> None:
        if self.reply:
            self.reply.feed(piece)

    def on_message_complete(self) -> None:
        status = self.parser.get_status_code()
        if self.reply:
            self.end(self.reply.fault() if status == 200 else f"status {status}")

    def connection_lost(self, exc: Exception | None) -> None:
        self.lost = True
        self.end("connection lost")

    def end(self, fault: str | None) -> None:
        if self.reply and not self.ended.done():
            self.reply = None
            self.ended.set_result(fault)
