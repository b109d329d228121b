"""The hot door. Rule: uvicorn's own protocol, answering the endpoint families itself; the rest is Litestar's.

A hot request is a cycle beside uvicorn's own: it stands in the same pipeline and is stopped by the same shutdown. Only
scope, ASGI messages, and tasks are left out.
"""

from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from backends.families import FAMILIES, Family
from gateway import clock
from gateway.answer import Flow
from gateway.gateway import Gateway
from gateway.journey import Journey
from gateway.refusal import Refusal

HOT = {path.encode(): family for family in FAMILIES for path in family.paths}
MAX_HEAD = 64 * 1024  # bytes of request line and headers
LINGER = 2.0  # seconds for a client to finish writing a body that is already refused
_HEAD_TOO_LONG = Refusal(431, f"the request's headers exceed {MAX_HEAD} bytes", code="headers_too_large")
_BAD_HTTP = Refusal(400, "this is not a valid HTTP request", code="bad_http")


class _NoEvent:
    """Stands where uvicorn's cycles keep the event that wakes their receive(): a hot cycle has nobody waiting."""

    def set(self) -> None:
        pass


_NO_EVENT = _NoEvent()


class HotCycle:
    """One hot request and its answer (an Answer). The names from ``message_event`` on are uvicorn's."""

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
        "message_event",
        "more_body",
        "response_complete",
        "started",
    )

    def __init__(self, protocol: "HotProtocol", family: Family, given: dict[bytes, bytes], keep_alive: bool) -> None:
        self._protocol = protocol
        self._transport = protocol.transport
        self._size = 0
        self.body: list[bytes] = []
        self.flow: Flow | None = None
        self.started = False
        self.linger = False
        client = protocol.client
        self.journey = Journey(protocol.gateway, family, given, client[0] if client else "", self)
        self.message_event = _NO_EVENT
        self.keep_alive = keep_alive
        self.more_body = True
        self.disconnected = False
        self.response_complete = False

    @property
    def too_large(self) -> bool:
        return self.journey.refused is not None and self.journey.refused.status == 413

    def feed(self, data: bytes) -> None:
        """Keep body bytes, unless the request is refused."""
        self._size += len(data)
        if self.journey.refused is None and not self.journey.over_limit(self._size):
            self.body.append(data)

    def run(self) -> None:
        """Its body is whole (or not wanted)."""
        if not self.started:
            self.started = True
            body = self.body[0] if len(self.body) == 1 else b"".join(self.body)
            self.body = []
            self.journey.run(body)

    # Answer

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        self._transport.write(
            b"%b%b%b%bcontent-length: %d\r\n\r\n%b"
            % (STATUS_LINE[status], self._protocol.default_lines(), lines, self._connection(), len(body), body)
        )
        self._complete()

    def start(self, status: int, lines: bytes, first: bytes) -> None:
        self._transport.write(
            b"%b%b%b%btransfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n"
            % (STATUS_LINE[status], self._protocol.default_lines(), lines, self._connection(), len(first), first)
        )

    def write(self, data: bytes) -> None:
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        self._transport.write(b"0\r\n\r\n")
        self._complete()

    def abort(self) -> None:
        self.response_complete = True
        self._transport.abort()

    def _connection(self) -> bytes:
        return b"" if self.keep_alive else b"connection: close\r\n"

    def _complete(self) -> None:
        self.flow = None
        self.response_complete = True
        if self.linger:
            self._protocol.loop.call_later(LINGER, self._transport.close)
        elif not self.keep_alive:
            self._transport.close()
        self._protocol.on_response_complete()


class HotProtocol(HttpToolsProtocol):
    """One client connection. ``idle_since``: monotonic seconds; 0 while a request is under way."""

    def __init__(self, gateway: Gateway, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gateway = gateway
        self.idle_since = clock.now()
        self._in_head = False
        self._head_bytes = 0  # received since the head began, in the packets up to its end
        self._active: HotCycle | None = None  # the one being served: not the latest one, where requests pipeline
        self._default: tuple[object, bytes] = (None, b"")

    def default_lines(self) -> bytes:
        """The server's own header lines; uvicorn makes a new list of them every second."""
        pairs = self.server_state.default_headers
        if self._default[0] is not pairs:
            self._default = (pairs, b"".join(b"%b: %b\r\n" % pair for pair in pairs))
        return self._default[1]

    # asyncio.Protocol

    def data_received(self, data: bytes) -> None:
        self._head_bytes = self._head_bytes + len(data) if self._in_head else len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse_connection(_BAD_HTTP)
            return
        except httptools.HttpParserUpgrade:
            self._unsupported_upgrade_warning()
        if self._in_head and self._head_bytes > MAX_HEAD:
            self._refuse_connection(_HEAD_TOO_LONG)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        cycles = {self._active, self.cycle, *(queued for queued, _ in self.pipeline)}
        self._active = None
        for cycle in cycles:
            if isinstance(cycle, HotCycle) and not cycle.response_complete:
                cycle.response_complete = True
                cycle.journey.leave()

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._active is not None and self._active.flow is not None:
            self._active.flow.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._active is not None and self._active.flow is not None:
            self._active.flow.resume()

    # httptools

    def on_message_begin(self) -> None:
        self.url = b""
        self.headers = []
        self._in_head = True
        self.idle_since = 0.0

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if self._head_bytes > MAX_HEAD and self._head_size() > MAX_HEAD:
            self._refuse_connection(_HEAD_TOO_LONG)
            return
        parser = self.parser
        given = dict(self.headers)
        self.expect_100_continue = given.get(b"expect", b"").lower() == b"100-continue"
        family = HOT.get(self.url) or HOT.get(self.url.partition(b"?")[0])
        if (
            family is None
            or parser.get_method() != b"POST"
            or parser.should_upgrade()
            or parser.get_http_version() != "1.1"  # 1.0 has no chunks, which our streams are sent in
        ):
            self._leave_to_litestar()
            return
        previous = self.cycle
        cycle = HotCycle(self, family, given, parser.should_keep_alive())
        self.cycle = cycle  # type: ignore[assignment]  # it has what the base class uses of a cycle
        if previous is None or previous.response_complete:
            self._activate(cycle)
        else:
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))  # type: ignore[arg-type]

    def on_body(self, body: bytes) -> None:
        cycle: Any = self.cycle
        if not isinstance(cycle, HotCycle):
            super().on_body(body)
        elif not cycle.response_complete:
            cycle.feed(body)
            if cycle.too_large:
                self._refuse_early(cycle)

    def on_message_complete(self) -> None:
        cycle: Any = self.cycle
        if not isinstance(cycle, HotCycle):
            super().on_message_complete()
            return
        cycle.more_body = False
        if cycle is self._active:
            cycle.run()

    # the pipeline

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            # Not at once: requests that are answered on the spot would nest as deep as a client cares to pipeline.
            cycle, app = self.pipeline.pop()
            self.loop.call_soon(self._start_asgi_task, cycle, app)
        else:
            self.idle_since = clock.now()

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, HotCycle):
            self._activate(cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def _activate(self, cycle: HotCycle) -> None:
        """It is this cycle's turn to answer."""
        if cycle.response_complete:  # its connection was lost in the meantime
            return
        self._active = cycle
        if cycle.journey.refused is not None and (self.expect_100_continue or cycle.too_large):
            self._refuse_early(cycle)
        elif not cycle.more_body:
            cycle.run()
        elif self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _refuse_early(self, cycle: HotCycle) -> None:
        """Answer before the body is read, then let the client finish writing: closing at once would reset the
        connection and lose the answer."""
        if cycle is self._active:
            cycle.keep_alive = False
            cycle.linger = True
            cycle.run()

    def _leave_to_litestar(self) -> None:
        url, given, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url = url
        self.headers.extend(given)
        self.expect_100_continue = expects
        super().on_headers_complete()

    # what is not HTTP

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse_connection(self, refused: Refusal) -> None:
        """Answer outside any journey, and close; in the middle of another answer only the closing is left."""
        self._in_head = False
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            body = refused.body("")
            lines = self.default_lines() + b"content-type: application/json\r\nconnection: close\r\n"
            head = b"%b%bcontent-length: %d\r\n\r\n" % (STATUS_LINE[refused.status], lines, len(body))
            self.transport.write(head + body)
        self.transport.close()
