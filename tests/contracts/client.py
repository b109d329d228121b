"""A raw HTTP/1.1 client. Rule: it sends the bytes it is given, and shows the bytes that come."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from tests.contracts.serving import LIMIT


class Reply(msgspec.Struct):
    status: int
    headers: dict[str, str]
    body: bytes = b""
    whole: bool = True  # False: it was cut off

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


def post(path: str, body: bytes, *lines: str, version: str = "1.1") -> bytes:
    """One request. A ``content-type`` is added; a framing or host line given is used instead of the usual one."""
    given = {line.partition(":")[0].lower() for line in lines}
    usual = {"host": "127.0.0.1", "content-type": "application/json", "content-length": str(len(body))}
    if "transfer-encoding" in given:
        del usual["content-length"]
    head = [f"POST {path} HTTP/{version}", *lines, *(f"{k}: {v}" for k, v in usual.items() if k not in given)]
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def get(path: str, id: str = "") -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: localhost\r\nx-request-id: {id}\r\n\r\n".encode()


def chat(model: str = "m", *lines: str, **fields: object) -> bytes:
    """One chat request."""
    asked = {"model": model, "messages": [{"role": "user", "content": "Say something"}], **fields}
    return post("/v1/chat/completions", msgspec.json.encode(asked), *lines)


class Client:
    """One connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def flush(self) -> None:
        async with asyncio.timeout(LIMIT):
            await self._writer.drain()

    def leave(self) -> None:
        self._writer.transport.abort()

    async def ask(self, request: bytes) -> Reply:
        self.send(request)
        return await self.reply()

    async def head(self) -> Reply:
        """The status and headers of the next answer."""
        async with asyncio.timeout(LIMIT):
            text = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = text.strip().split("\r\n")
        pairs = [line.split(":", 1) for line in lines]
        headers = {name.lower(): value.strip() for name, value in pairs}
        assert len(headers) == len(pairs), f"a header field of the answer is given twice: {lines}"
        return Reply(int(first.split()[1]), headers)

    async def reply(self) -> Reply:
        """The next answer, read to its end."""
        reply = await self.head()
        if reply.status == 100:
            return reply
        body = bytearray()
        try:
            await self._body(reply.headers, body)
        except asyncio.IncompleteReadError:
            reply.whole = False
        reply.body = bytes(body)
        return reply

    async def _body(self, headers: Mapping[str, str], into: bytearray) -> None:
        async with asyncio.timeout(LIMIT):
            if "content-length" in headers:
                into += await self._reader.readexactly(int(headers["content-length"]))
            elif "transfer-encoding" not in headers:
                into += await self._reader.read()
            else:
                while chunk := await self.chunk():
                    into += chunk

    async def chunk(self) -> bytes:
        """The next chunk of a streamed answer; empty: the last one."""
        async with asyncio.timeout(LIMIT):
            size = int(await self._reader.readuntil(b"\r\n"), 16)
            return (await self._reader.readexactly(size + 2))[:-2]

    async def rest(self) -> bytes:
        """What is left of a streamed answer."""
        body = bytearray()
        await self._body({"transfer-encoding": "chunked"}, body)
        return bytes(body)

    async def read(self, size: int) -> bytes:
        async with asyncio.timeout(LIMIT):
            return await self._reader.read(size)

    async def closed(self) -> bool:
        """The other side has closed, in order or not, and sent nothing more."""
        try:
            return await self.read(1) == b""
        except ConnectionError:
            return True


@asynccontextmanager
async def connected(port: int, read_buffer: int = 2**20) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=read_buffer)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


async def ask(port: int, request: bytes) -> Reply:
    """One request on a connection of its own."""
    async with connected(port) as client:
        return await client.ask(request)
