"""The floor. Rule: the least a Python proxy can do and still be right: framing, pooling, back-pressure.

    python -m bench.floor --port 0 --upstream 9000        # prints "ready PORT"

It reads no JSON, checks no key, counts nothing and chooses nothing; what a gateway costs above it is the gateway's.
"""

import argparse
import asyncio
import re

import uvloop

LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d+)", re.IGNORECASE)
CHUNKED = re.compile(rb"\r\ntransfer-encoding:[ \t]*chunked", re.IGNORECASE)


class Framing:
    """Where a message ends, by Content-Length or by chunk sizes."""

    __slots__ = ("chunked", "head", "held", "left")

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        self.head = True
        self.chunked = False
        self.left = 0  # bytes that belong to the message whatever they are
        self.held = b""  # an unfinished head or chunk-size line

    def feed(self, data: bytes) -> bool:
        """True when the message ends with this data; what follows the end is not looked for (no pipelining)."""
        if self.head:
            self.held += data
            end = self.held.find(b"\r\n\r\n")
            if end < 0:
                return False
            head, data = self.held[: end + 2], self.held[end + 4 :]
            self.head, self.held = False, b""
            length = LENGTH.search(head)
            self.left = int(length[1]) if length else 0
            self.chunked = not length and CHUNKED.search(head) is not None
        if not self.chunked:
            self.left -= len(data)
            return self.left <= 0
        return self.walk(self.held + data)

    def walk(self, data: bytes) -> bool:
        position, size = self.left, len(data)
        self.held, self.left = b"", 0
        while position < size:
            line = data.find(b"\r\n", position)
            if line < 0:
                self.held = data[position:]
                return False
            length = int(data[position:line], 16)
            if not length:
                if line + 4 <= size:
                    return True
                self.held = data[position:]
                return False
            position = line + length + 4
        self.left = position - size
        return False


class Upstream(asyncio.Protocol):
    """One pooled connection to the upstream; its reply goes to `client` as it comes."""

    def __init__(self, pool: "list[Upstream]") -> None:
        self.pool = pool
        self.framing = Framing()
        self.client: Client | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        if (client := self.client) is None:
            self.transport.close()
            return
        client.transport.write(data)
        if self.framing.feed(data):
            self.framing.reset()
            self.client = client.upstream = None
            if not self.transport.is_reading():
                self.transport.resume_reading()
            self.pool.append(self)

    def connection_lost(self, exc: Exception | None) -> None:
        if self.client:
            self.client.transport.close()
        elif self in self.pool:
            self.pool.remove(self)


class Client(asyncio.Protocol):
    """One client connection; a request goes upstream when it is whole."""

    def __init__(self, pool: list[Upstream], upstream_port: int) -> None:
        self.pool = pool
        self.upstream_port = upstream_port
        self.framing = Framing()
        self.pieces: list[bytes] = []
        self.upstream: Upstream | None = None
        self.connecting: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.pieces.append(data)
        if not self.framing.feed(data):
            return
        self.framing.reset()
        request = b"".join(self.pieces)
        self.pieces.clear()
        if self.pool:
            self.send(self.pool.pop(), request)
        else:
            self.connecting = asyncio.get_running_loop().create_task(self.connect(request))

    async def connect(self, request: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            _, upstream = await loop.create_connection(lambda: Upstream(self.pool), "127.0.0.1", self.upstream_port)
        except OSError:
            self.transport.close()
            return
        self.send(upstream, request)

    def send(self, upstream: Upstream, request: bytes) -> None:
        self.upstream, upstream.client = upstream, self
        upstream.transport.write(request)

    def pause_writing(self) -> None:
        if self.upstream:
            self.upstream.transport.pause_reading()

    def resume_writing(self) -> None:
        if self.upstream:
            self.upstream.transport.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        if self.connecting:
            self.connecting.cancel()
        if self.upstream:
            self.upstream.client = None
            self.upstream.transport.close()


async def serve(port: int, upstream_port: int) -> None:
    pool: list[Upstream] = []
    server = await asyncio.get_running_loop().create_server(
        lambda: Client(pool, upstream_port), "127.0.0.1", port, backlog=4096
    )
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="raw-protocol proxy")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--upstream", type=int, required=True)
    options = parser.parse_args()
    uvloop.run(serve(options.port, options.upstream))
