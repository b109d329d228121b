"""A hot cycle. Rule: one request of the hot door and its answer; it stands where uvicorn has a cycle of its own."""

from typing import TYPE_CHECKING

from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from gateway.answer import Flow
from gateway.journey import Journey
from gateway.preamble import Preamble

if TYPE_CHECKING:
    from gateway.hot import HotProtocol


class _NoEvent:
    """Stands where uvicorn's cycles keep the event that wakes their receive(): a hot cycle has nobody waiting."""

    def set(self) -> None:
        pass


_NO_EVENT = _NoEvent()
_CLOSE = b"connection: close\r\n"


class HotCycle:
    """One hot request and its answer. ``disconnected``, ``keep_alive``, ``message_event`` and ``response_complete``
    are uvicorn's names."""

    message_event = _NO_EVENT
    __slots__ = (
        "_protocol",
        "_size",
        "_transport",
        "body",
        "disconnected",
        "flow",
        "journey",
        "keep_alive",
        "linger",
        "more_body",
        "response_complete",
        "started",
    )

    def __init__(self, protocol: "HotProtocol", preamble: Preamble, keep_alive: bool) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._size = 0
        self.body: list[bytes] = []
        self.flow: Flow | None = None
        self.started = False
        self.linger = False
        self.keep_alive = keep_alive
        self.more_body = True
        self.response_complete = False
        self.journey = Journey(protocol.gateway, preamble, protocol.caller, self, protocol.heard)

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

    def serve(self, body: bytes) -> None:
        """It came in one piece."""
        self.started = True
        self.journey.run(body, self._protocol.heard)

    # Answer

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        self._transport.write(
            b"%b%b%b%bcontent-length: %d\r\n\r\n%b"
            % (
                STATUS_LINE[status],
                self._protocol.default_lines(),
                lines,
                b"" if self.keep_alive else _CLOSE,
                len(body),
                body,
            )
        )
        self._complete()

    def start(self, status: int, lines: bytes, first: bytes) -> None:
        self._transport.write(
            b"%b%b%b%btransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n"
            % (
                STATUS_LINE[status],
                self._protocol.default_lines(),
                lines,
                b"" if self.keep_alive else _CLOSE,
                len(first),
                first,
            )
        )

    def write(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self._transport.write(b"0\r\n\r\n")
        self._complete()

    def abort(self) -> None:
        self._let_go()
        self._transport.abort()

    def _complete(self) -> None:
        self._let_go()
        if self.linger:
            self._protocol.close_later()
        elif not self.keep_alive:
            self._transport.close()
        self._protocol.on_response_complete()

    def _let_go(self) -> None:
        """The journey holds this answer, and a body: an idle connection keeps neither, nor leaves them to the garbage
        collector as a cycle."""
        self.response_complete = True
        self.flow = None
        del self.journey
