"""The HTTP server: bytes to requests, answers to bytes, one at a time per connection.

A plain protocol on httptools, because a thousand paced streams must cost half a core: an event costs one join and one
write, and nothing runs between events.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from http import HTTPStatus
from socket import SO_LINGER, SOL_SOCKET
from struct import pack
from typing import Protocol, cast
from urllib.parse import parse_qsl, unquote

import httptools
import msgspec

SERVER = "cloverleaf-engine"
JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
PIPELINE = 16  # requests waiting on one connection before its socket is left unread


class Request(msgspec.Struct):
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


class Answer(Protocol):
    """The way back. When the client has left, calls do nothing; `on_leave` is called if that was before the end."""

    on_leave: Callable[[], None] | None
    id: str  # the request's x-request-id

    def respond(
        self, status: int, body: bytes, content_type: str = JSON, headers: dict[str, str] | None = None
    ) -> None: ...
    def open_stream(self) -> None: ...
    def send(self, events: list[bytes]) -> None: ...
    def finish(self) -> None: ...


class WireAnswer:
    """An Answer that writes to its connection, plus the two ways to break it off."""

    def __init__(self, connection: "Connection", keep_alive: bool, chunked: bool) -> None:
        self.on_leave: Callable[[], None] | None = None
        self.id = ""
        self._connection: Connection | None = connection
        self._keep_alive = keep_alive and chunked
        self._chunked = chunked

    def respond(
        self, status: int, body: bytes, content_type: str = JSON, headers: dict[str, str] | None = None
    ) -> None:
        self._write(self._head(status, content_type, {"content-length": str(len(body)), **(headers or {})}) + body)
        self._end(close=not self._keep_alive)

    def open_stream(self) -> None:
        self._write(self._head(200, EVENTS, {"transfer-encoding": "chunked"} if self._chunked else {}))

    def send(self, events: list[bytes]) -> None:
        data = b"".join(events)
        self._write(b"%x\r\n%b\r\n" % (len(data), data) if self._chunked else data)

    def finish(self) -> None:
        if self._chunked:
            self._write(b"0\r\n\r\n")
        self._end(close=not self._keep_alive)

    def start_partial(self, body: bytes, promised: int) -> None:
        """Begin a body that will not be completed."""
        self._write(self._head(200, JSON, {"content-length": str(promised)}) + body)

    def hang_up(self) -> None:
        """Close in order, after what is written has left."""
        self._end(close=True)

    def reset(self) -> None:
        """Close with a TCP reset."""
        if self._connection is not None:
            self._connection.reset()

    def leave(self) -> None:
        """The client is gone."""
        self._connection = None
        on_leave, self.on_leave = self.on_leave, None
        if on_leave is not None:
            on_leave()

    def _head(self, status: int, content_type: str, headers: dict[str, str]) -> bytes:
        lines = [f"HTTP/1.1 {status} {_phrase(status)}", f"server: {SERVER}", f"content-type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if not self._keep_alive:
            lines.append("connection: close")
        return "\r\n".join([*lines, "\r\n"]).encode("latin-1")

    def _write(self, data: bytes) -> None:
        if self._connection is not None:
            self._connection.write(data)

    def _end(self, close: bool) -> None:
        connection, self._connection, self.on_leave = self._connection, None, None
        if connection is not None:
            connection.ended(close)


def _phrase(status: int) -> str:
    return HTTPStatus(status).phrase if status in set(HTTPStatus) else "Unknown"


class Connection(asyncio.Protocol):
    def __init__(self, serve: Callable[[Request, WireAnswer], None], connections: "set[Connection]") -> None:
        self._serve = serve
        self._connections = connections
        self._transport: asyncio.Transport | None = None
        self._parser = httptools.HttpRequestParser(self)
        self._target = b""
        self._headers: dict[str, str] = {}
        self._body: list[bytes] = []
        self._asked: deque[tuple[Request, WireAnswer]] = deque()
        self._answering: WireAnswer | None = None
        self._held: list[bytes] | None = None  # what a slow reader has not taken yet

    # Called by the event loop.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is one in all but class
        self._connections.add(self)

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            pass  # declined: the answer is HTTP/1.1 and the last one, for the parser reads nothing more
        except httptools.HttpParserError:
            self.write(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
            self._close()

    def connection_lost(self, error: Exception | None) -> None:
        self._connections.discard(self)
        self._transport = None
        self._asked.clear()
        if self._answering is not None:
            self._answering.leave()

    def pause_writing(self) -> None:
        self._held = []

    def resume_writing(self) -> None:
        held, self._held = self._held, None
        if held:
            self.write(b"".join(held))

    # Called by the parser.

    def on_message_begin(self) -> None:
        self._target, self._headers, self._body = b"", {}, []

    def on_url(self, target: bytes) -> None:
        self._target += target

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self._headers.get("expect", "").lower() == "100-continue":
            self.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_body(self, body: bytes) -> None:
        self._body.append(body)

    def on_message_complete(self) -> None:
        path, _, query = self._target.decode("latin-1").partition("?")
        request = Request(
            self._parser.get_method().decode("latin-1"),
            unquote(path),
            dict(parse_qsl(query)),
            self._headers,
            b"".join(self._body),
        )
        chunked = self._parser.get_http_version() == "1.1"
        keep_alive = self._parser.should_keep_alive() and not self._parser.should_upgrade()
        self._asked.append((request, WireAnswer(self, keep_alive, chunked)))
        if len(self._asked) == PIPELINE and self._transport is not None:
            self._transport.pause_reading()
        self._next()

    # Called by the answer.

    def write(self, data: bytes) -> None:
        if self._held is not None:
            self._held.append(data)
        elif self._transport is not None:
            self._transport.write(data)

    def ended(self, close: bool) -> None:
        self._answering = None
        if close:
            self._close()
        else:
            self._next()

    def reset(self) -> None:
        if self._transport is not None:
            socket = self._transport.get_extra_info("socket")
            socket.setsockopt(SOL_SOCKET, SO_LINGER, pack("ii", 1, 0))
            self._transport.abort()

    def abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def _close(self) -> None:
        self._asked.clear()
        if self._transport is not None:
            if self._held:
                self._transport.write(b"".join(self._held))
                self._held = None
            self._transport.close()

    def _next(self) -> None:
        if self._answering is not None or not self._asked or self._transport is None:
            return
        if len(self._asked) == PIPELINE:
            self._transport.resume_reading()
        request, self._answering = self._asked.popleft()
        self._serve(request, self._answering)
