"""A scripted upstream. Rule: it sends the exact bytes its script says, and keeps the exact bytes it was sent.

A header field that is given twice is refused before any script, as RFC 9110 (section 5.3) lets a server do.
"""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import msgspec

ANSWER = msgspec.json.encode(
    {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "model": "upstream-m",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "yes"}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 500, "total_tokens": 1500},
    }
)
EVENTS = "text/event-stream; charset=utf-8"


class Call:
    """One request that came, and the way back. ``left`` is set when the caller closes its connection."""

    def __init__(self, head: bytes, body: bytes, writer: asyncio.StreamWriter) -> None:
        self.head = head
        self.body = body
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        self.target = first.split(" ")[1]
        self.lines = [line.split(": ", 1) for line in lines]
        self.headers = {name.lower(): value for name, value in self.lines}
        self.left = asyncio.Event()
        self.sent = 0
        self.writer = writer

    async def send(self, data: bytes) -> None:
        """As fast as the caller reads."""
        self.writer.write(data)
        await self.writer.drain()
        self.sent += len(data)

    async def chunk(self, data: bytes) -> None:
        await self.send(b"%x\r\n%b\r\n" % (len(data), data))

    def cut(self) -> None:
        """Close in the middle of things."""
        self.writer.close()


Script = Callable[[Call], Awaitable[None]]


class Upstream:
    """``calls``: what it was asked. The n-th call is answered by the n-th script, later ones by the last."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.calls: list[Call] = []
        self.connections = 0
        self._scripts = scripts
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._connected, "127.0.0.1", 0, limit=2**26, ssl=self._tls)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}/v1"

    async def stop(self) -> None:
        self._server.close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        self.connections += 1
        try:
            ahead: bytes | None = b""
            while ahead is not None:
                ahead = await self._answer(reader, writer, ahead)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, ahead: bytes) -> bytes | None:
        """Answer one call. Returns what was read ahead of the next one; None: there will be none."""
        head = ahead + await reader.readuntil(b"\r\n\r\n")
        call = Call(head, b"", writer)
        call.body = await reader.readexactly(int(call.headers.get("content-length", "0")))
        self.calls.append(call)
        script = self._scripts[min(len(self.calls), len(self._scripts)) - 1]
        if len(call.headers) < len(call.lines):
            script = error(400, message="a header field is given twice")
        answering = asyncio.ensure_future(script(call))
        watching = asyncio.ensure_future(reader.read(1))
        try:
            await asyncio.wait((answering, watching), return_when=asyncio.FIRST_COMPLETED)
            if not answering.done():
                call.left.set()
            await answering
        finally:
            answering.cancel()
            watching.cancel()
            await asyncio.wait((answering, watching))
        if not watching.cancelled():
            return watching.result() or None
        return None if writer.is_closing() else b""


def whole(body: bytes, *lines: str, status: int = 200, content_type: str = "application/json") -> Script:
    """An answer with a length."""
    head = [f"HTTP/1.1 {status} Status", f"content-type: {content_type}", f"content-length: {len(body)}", *lines]
    data = "\r\n".join([*head, "", ""]).encode("latin-1") + body

    async def script(call: Call) -> None:
        await call.send(data)

    return script


def error(status: int, *lines: str, message: str = "scripted", code: str | None = None) -> Script:
    body = {"error": {"message": message, "type": "scripted", "param": None, "code": code}}
    return whole(msgspec.json.encode(body), *lines, status=status)


async def begin(call: Call, content_type: str = EVENTS) -> None:
    """The head of a chunked answer."""
    await call.send(f"HTTP/1.1 200 OK\r\ncontent-type: {content_type}\r\ntransfer-encoding: chunked\r\n\r\n".encode())


def stream(*parts: bytes, end: bool = True, content_type: str = EVENTS) -> Script:
    """A chunked answer, each part a write of its own; without ``end`` it is cut off after the last."""

    async def script(call: Call) -> None:
        await begin(call, content_type)
        for part in parts:
            await call.chunk(part)
            await asyncio.sleep(0)
        if end:
            await call.send(b"0\r\n\r\n")
        else:
            call.cut()

    return script


async def silent(call: Call) -> None:
    """Read the request, say nothing, until the caller leaves."""
    await call.left.wait()


async def reset(call: Call) -> None:
    call.cut()


@asynccontextmanager
async def upstream(*scripts: Script, tls: ssl.SSLContext | None = None) -> AsyncIterator[Upstream]:
    made = Upstream(*scripts, tls=tls)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()
