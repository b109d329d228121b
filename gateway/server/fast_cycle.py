"""A hot cycle. Rule: one request of the hot door and its answer; it stands where uvicorn has a cycle of its own."""

# compiled

import asyncio
from typing import TYPE_CHECKING, ClassVar

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.proxy.journey import Journey
from gateway.proxy.request_head import RequestHead
from gateway.proxy.response_writer import Flow

if TYPE_CHECKING:
    from gateway.server.known_heads import KnownHeads


class _NoEvent:
    """Stands where uvicorn's cycles keep the event that wakes their receive(): a hot cycle has nobody waiting."""

    def set(self) -> None:
        pass


_NO_EVENT = _NoEvent()
_CLOSE = b"connection: close\r\n"


class HotCycle:
    """One hot request and its answer. ``disconnected``, ``keep_alive``, ``message_event`` and ``response_complete``
    are uvicorn's names."""

    message_event: ClassVar[_NoEvent] = _NO_EVENT
    __slots__ = (
        "_protocol", "_size", "_transport", "body", "disconnected", "flow", "journey", "keep_alive", "linger",
        "more_body", "response_complete", "started",
    )  # fmt: skip

    def __init__(self, protocol: "KnownHeads", transport: asyncio.Transport, keep_alive: bool) -> None:
        self.keep_alive = keep_alive
        self.journey: Journey = None  # type: ignore[assignment]  # only between the making of the one and of the other
        self.more_body = True
        self.started = False
        self.response_complete = False
        self.flow: Flow | None = None
        self.linger = False
        self.disconnected = False
        self.body: list[bytes] = []
        self._protocol = protocol
        self._transport = transport
        self._size = 0

    @classmethod
    def begin(cls, protocol: "KnownHeads", preamble: RequestHead, keep_alive: bool) -> "HotCycle":
        cycle = cls(protocol, protocol.transport, keep_alive)
        cycle.journey = Journey.begin(protocol.gateway, preamble, protocol.caller, cycle, protocol.heard)
        return cycle

    @property
    def too_large(self) -> bool:
        return self.journey.refused is not None and self.journey.refused.status == 413

    def feed(self, data: bytes) -> bool:
        """Keep body bytes, unless the request is refused; True: they are too many."""
        if self.journey.refused is None:
            self._size += len(data)
            if self._size <= self.journey.max_body or not self.journey.over_limit(self._size):
                self.body.append(data)
                return False
        return self.too_large

    def run(self) -> None:
        """Its body is whole (or not wanted)."""
        if not self.started:
            self.started = True
            body = b"".join(self.body)  # a single part is not copied
            self.body.clear()  # before the copies that follow are made
            self.journey.run(body, self._protocol.heard)

    # Answer

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        close = b"" if self.keep_alive else _CLOSE
        head = (STATUS_LINE[status], self._protocol.default_lines(), lines, close, len(body), body)
        self._transport.write(b"%b%b%b%bcontent-length: %d\r\n\r\n%b" % head)
        self._complete()

    def start(self, status: int, lines: bytes, first: bytes) -> None:
        close = b"" if self.keep_alive else _CLOSE
        head = (STATUS_LINE[status], self._protocol.default_lines(), lines, close, len(first), first)
        self._transport.write(b"%b%b%b%btransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n" % head)

    def write(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self._transport.write(b"0\r\n\r\n")
        self._complete()

    def abort(self) -> None:
        self.response_complete = True
        self.flow = self.journey = None  # type: ignore[assignment]
        self._transport.abort()

    def _complete(self) -> None:
        """The journey holds this answer, and a body: an idle connection keeps neither, nor leaves them to the garbage
        collector as a cycle."""
        self.response_complete = True
        self.flow = self.journey = None  # type: ignore[assignment]
        if self.linger:
            self._protocol.close_later()
        elif not self.keep_alive:
            self._transport.close()
        self._protocol.on_response_complete()
