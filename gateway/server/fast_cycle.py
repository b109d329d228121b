"""One request on the fast protocol, and its answer: it stands where uvicorn has a cycle of its own."""

# compiled

import asyncio
from typing import ClassVar, Protocol

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.catalog.keys import Caller
from gateway.proxy.admission import begin, over_limit
from gateway.proxy.context import Gateway
from gateway.proxy.journey import Journey
from gateway.proxy.request_head import RequestHead
from gateway.proxy.response_writer import Flow


class Connection(Protocol):
    """The client connection that a cycle answers on. ``heard``: when the packet at hand came in (monotonic seconds)."""

    gateway: Gateway
    caller: Caller
    heard: float

    def default_lines(self) -> bytes:
        """The server's own header lines."""

    def close_later(self) -> None:
        """End the answers now, and the connection when the client has had time to finish writing."""

    def on_response_complete(self) -> None:
        """The answer is written."""


class _NoEvent:
    """Stands where uvicorn's cycles keep the event that wakes their receive(): nothing waits for a hot cycle."""

    def set(self) -> None:
        pass


_NO_EVENT = _NoEvent()
_CLOSE = b"connection: close\r\n"


class HotCycle:
    """One hot request and its answer. ``disconnected``, ``keep_alive``, ``message_event`` and ``response_complete``
    are uvicorn's names."""

    message_event: ClassVar[_NoEvent] = _NO_EVENT
    __deletable__ = ("journey",)  # what a compiled class lets go of again
    __slots__ = (
        "_connection", "_size", "_transport", "body", "disconnected", "flow", "journey", "keep_alive", "linger",
        "more_body", "response_complete", "started",
    )  # fmt: skip

    def __init__(
        self, connection: Connection, transport: asyncio.Transport, head: RequestHead, keep_alive: bool
    ) -> None:
        self.keep_alive = keep_alive
        self.more_body = True
        self.started = False
        self.response_complete = False
        self.flow: Flow | None = None
        self.linger = False
        self.disconnected = False
        self.body: list[bytes] = []
        self._connection = connection
        self._transport = transport
        self._size = 0
        self.journey: Journey = begin(connection.gateway, head, connection.caller, self, connection.heard)

    @property
    def too_large(self) -> bool:
        return self.journey.refused is not None and self.journey.refused.status == 413

    def feed(self, data: bytes) -> bool:
        """Keep body bytes, unless the request is refused; True: they are too many."""
        if self.journey.refused is None:
            self._size += len(data)
            if self._size <= self.journey.max_body or not over_limit(self.journey, self._size):
                self.body.append(data)
                return False
        return self.too_large

    def run(self) -> None:
        """Its body is whole (or not wanted)."""
        if not self.started and not self.response_complete:  # it was stopped
            self.started = True
            body = b"".join(self.body)  # a single part is not copied
            self.body.clear()  # before the copies that follow are made
            self.journey.run(body, self._connection.heard)

    # Answer

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        close = b"" if self.keep_alive else _CLOSE
        head = (STATUS_LINE[status], self._connection.default_lines(), lines, close, len(body), body)
        self._transport.write(b"%b%b%b%bcontent-length: %d\r\n\r\n%b" % head)
        self._complete()

    def start(self, status: int, lines: bytes, first: bytes) -> None:
        close = b"" if self.keep_alive else _CLOSE
        head = (STATUS_LINE[status], self._connection.default_lines(), lines, close, len(first), first)
        self._transport.write(b"%b%b%b%btransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % head)

    def write(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self._transport.write(b"0\r\n\r\n")
        self._complete()

    def abort(self) -> None:
        self.response_complete = True
        self.flow = None
        del self.journey
        self._transport.abort()

    def _complete(self) -> None:
        """The journey holds this answer, and a body: an idle connection keeps neither, nor leaves them to the garbage
        collector as a cycle."""
        self.response_complete = True
        self.flow = None
        del self.journey
        if self.linger:
            self._connection.close_later()
        elif not self.keep_alive:
            self._transport.close()
        self._connection.on_response_complete()
