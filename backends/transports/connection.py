"""One upstream HTTP/1.1 connection: one request at a time, reused only after a whole, clean answer.

A whole answer under a head that was read before (see heads.py) passes the parser by: it begins and ends where the
parser waits for the next, and so need not know.
"""

# compiled

import asyncio
from collections.abc import Mapping
from typing import Protocol

import httptools

from backends.contract.adapter import Wire
from backends.contract.transport import Receiver
from backends.transports.heads import Answers
from policies.vocabulary.failure import Failure, Fault

MAX_HEAD = 64 * 1024  # bytes of status line and headers
MAX_FRAMING = 4 * 1024 * 1024  # bytes in packets that brought no body: chunk sizes, and trailers without end
SEPARATE_BODY = 64 * 1024  # a body from this size on is written by itself: joining would copy it


class Owner(Protocol):
    """Who sent the request: told when the connection is done with it."""

    def finished(self, reusable: bool) -> None: ...

    def lost(self, fault: Fault, answered: bool) -> None: ...


class Connection(asyncio.Protocol):
    """Client side of HTTP/1.1 on httptools."""

    __slots__ = (
        "_framed",
        "_head_bytes",
        "_headers",
        "_kept_alive",
        "_known",
        "_owner",
        "_parser",
        "_parts",
        "_paused",
        "_receiver",
        "_status",
        "_told",
        "_whole",
        "idle_since",
        "transport",
    )

    def __init__(self, known: Answers | None = None) -> None:
        self._parser = httptools.HttpResponseParser(self)
        self._known = known  # what the server's answers are like; None: it is asked once
        self.transport: asyncio.Transport | None = None
        self._receiver: Receiver | None = None
        self._owner: Owner | None = None
        self._headers: dict[bytes, bytes] = {}
        self._told: dict[bytes, bytes] = {}  # the headers that the receiver was given
        self._parts: list[bytes] = []
        self._status = 0
        self._head_bytes = 0  # received up to the packet in which the head ends; 0: no byte of an answer came
        self._framed = False  # the answer's end is told by its length or chunks, not by the connection's end
        self._whole = False
        self._kept_alive = False
        self._paused = False
        self.idle_since = 0.0

    @property
    def usable(self) -> bool:
        transport = self.transport
        return transport is not None and not transport.is_closing()

    def request(self, wire: Wire, receiver: Receiver, owner: Owner) -> None:
        """Write a request; the answer goes to ``receiver``."""
        transport = self.transport
        assert transport is not None and self._receiver is None
        self._receiver = receiver
        self._owner = owner
        self._status = self._head_bytes = 0
        self._framed = self._whole = self._kept_alive = False
        body = wire.body
        size = len(body)
        id = b"x-request-id: %b\r\n" % wire.id if wire.id else b""
        head = b"%b %b HTTP/1.1\r\n%b%bcontent-length: %d\r\n\r\n" % (
            wire.method, wire.target, wire.headers.lines, id, size,
        )  # fmt: skip
        if size < SEPARATE_BODY:
            transport.write(head + body)
        else:
            transport.write(head)
            transport.write(body)

    def abort(self) -> None:
        self._receiver = self._owner = None
        if self.transport is not None:
            self.transport.abort()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    def pause(self) -> None:
        if self.transport is not None and not self._paused:
            self._paused = True
            self.transport.pause_reading()

    def resume(self) -> None:
        if self.transport is not None and self._paused:
            self._paused = False
            self.transport.resume_reading()

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport  # type: ignore[assignment]  # a stream protocol is given a stream transport

    def data_received(self, data: bytes) -> None:
        receiver = self._receiver
        if receiver is None:  # an answer nobody asked for
            self.close()
            return
        begins = not self._status and not self._head_bytes
        if begins and (known := self._known) is not None and known.head is not None:
            start = known.head.body_at(data)
            if 0 < start < len(data) == start + known.head.length:
                self._answer(receiver, known.headers, data[start:])
                return
        if not self._status:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            if not self._whole:  # else the answer is good, and on_message_begin has seen that more came
                self._fail(Fault(Failure.MALFORMED, f"the upstream does not speak HTTP: {error}"))
                return
        if begins and self._kept_alive and self._known is not None and data.startswith(b"HTTP/1.1 200 "):
            self._known.learn(data, self._told)
        parts = self._parts
        if parts and self._receiver is not None:
            body = b"".join(parts)  # a single one is not copied
            parts.clear()
            receiver.data(body)
        elif not self._whole:
            if self._status:
                self._head_bytes += len(data)
            limit = MAX_FRAMING if self._status else MAX_HEAD
            if self._head_bytes > limit:
                what = "trailers" if self._status else "headers"
                self._fail(Fault(Failure.MALFORMED, f"the upstream's {what} exceed {limit} bytes"))
                return
        if self._whole and self._receiver is not None:
            self._finish()

    def _answer(self, receiver: Receiver, headers: Mapping[bytes, bytes], body: bytes) -> None:
        """A whole answer in one packet, under a head that is known."""
        self._status, self._head_bytes = 200, 1
        self._framed = self._whole = self._kept_alive = True
        receiver.head(200, headers)
        if self._receiver is not None:
            receiver.data(body)
        if self._receiver is not None:
            self._finish()

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        self._parser = None  # type: ignore[assignment]  # it holds this connection: neither waits for the collector
        receiver = self._receiver
        if receiver is None:
            return
        if exc is None and self._status and not self._framed:
            self._whole = True
            self._finish()
            return
        reason = "reset" if exc is not None else "closed"
        when = "in the middle of its answer" if self._head_bytes else "before it answered"
        self._fail(Fault(Failure.BROKEN_STREAM, f"the upstream {reason} the connection {when}"))

    # httptools

    def on_message_begin(self) -> None:
        if self._whole:  # bytes beyond the answer: whose they are is not known
            self._kept_alive = False

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers[name.lower()] = value

    def on_headers_complete(self) -> None:
        self._told, self._headers = self._headers, {}  # a new one: trailers must not change these
        headers, status = self._told, self._parser.get_status_code()
        if status < 200 or self._whole:  # 100-continue, 103: the answer is still to come
            if status < 100:
                raise ValueError(f"status {status}")
            return
        self._status = status
        self._framed = b"content-length" in headers or b"transfer-encoding" in headers or status in (204, 304)
        if self._receiver is not None:
            self._receiver.head(status, headers)

    def on_body(self, body: bytes) -> None:
        if not self._whole:
            self._parts.append(body)

    def on_message_complete(self) -> None:
        if self._status and not self._whole:
            self._whole = True
            self._kept_alive = self._framed and self._parser.should_keep_alive()  # the parser knows it only now

    def _finish(self) -> None:
        receiver, owner, transport = self._receiver, self._owner, self.transport
        assert receiver is not None and owner is not None
        self._receiver = self._owner = None
        free = self._kept_alive and not self._paused
        owner.finished(free and transport is not None and transport.get_write_buffer_size() == 0)
        receiver.end()

    def _fail(self, fault: Fault) -> None:
        owner = self._owner
        self.abort()
        if owner is not None:
            owner.lost(fault, self._head_bytes > 0)
