"""A scripted server. Rule: a connection does what its script says, to the byte; it keeps what it was sent.

The n-th connection plays the n-th script, and later ones the last:

    async with Scripted(answers(b"HTTP/1.1 200 OK\\r\\ncontent-length: 2\\r\\n\\r\\nhi")) as server: ...
"""

import asyncio
import re
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable
from typing import Self

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)


class Peer:
    """One accepted connection.

    ``requests``: heads and bodies, as they came. ``gone``: set when the client left, or the script is over.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.requests: list[tuple[bytes, bytes]] = []
        self.gone = asyncio.Event()
        self.writer = writer
        self._reader = reader

    async def hear(self) -> bytes:
        """The next whole request's body."""
        head = await self._reader.readuntil(b"\r\n\r\n")
        length = LENGTH.search(head)
        body = await self._reader.readexactly(int(length.group(1)) if length else 0)
        self.requests.append((head, body))
        return body

    async def say(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def leaves(self) -> None:
        """Wait for the client to close; nothing more is expected of it."""
        try:
            while await self._reader.read(65536):
                pass
        except ConnectionError:
            pass

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        raw = self.writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Script = Callable[[Peer], Awaitable[None]]


def answers(*replies: bytes) -> Script:
    """A request heard, a reply said, in turn, the last one for ever; until the client leaves."""

    async def script(peer: Peer) -> None:
        turn = 0
        while True:
            await peer.hear()
            await peer.say(replies[min(turn, len(replies) - 1)])
            turn += 1

    return script


class Scripted:
    """A server on a port of its own."""

    def __init__(self, *scripts: Script, tls: ssl.SSLContext | None = None) -> None:
        self.peers: list[Peer] = []
        self.port = 0
        self._scripts = scripts
        self._tls = tls
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls, limit=2**25)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for task in self._tasks:
            task.cancel()
        failures = await asyncio.gather(*self._tasks, return_exceptions=True)
        for peer in self.peers:
            peer.writer.transport.abort()
        for failure in failures:
            if isinstance(failure, Exception):
                raise failure

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = Peer(reader, writer)
        script = self._scripts[min(len(self.peers), len(self._scripts) - 1)]
        self.peers.append(peer)
        self._tasks.add(asyncio.ensure_future(self._play(script, peer)))

    async def _play(self, script: Script, peer: Peer) -> None:
        try:
            await script(peer)
        except (asyncio.IncompleteReadError, ConnectionError):  # the client left
            pass
        finally:
            peer.gone.set()
            peer.writer.close()
