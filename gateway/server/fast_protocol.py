"""The fast listener: a uvicorn protocol that answers the endpoint families itself and leaves the rest to Litestar.

A hot request is a cycle beside uvicorn's own: it stands in the same pipeline and is stopped by the same shutdown. Only
scope, ASGI messages, and tasks are left out.
"""

# compiled

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE

from backends.contract.families import FAMILIES
from backends.serving.client_apis import CHAT
from gateway import clock
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Caller
from gateway.proxy.context import Gateway
from gateway.proxy.request_head import RequestHead
from gateway.server.fast_cycle import HotCycle
from gateway.server.known_heads import KnownHeads

HOT = {path.encode(): family for family in FAMILIES for path in family.paths}
MAX_HEAD = 64 * 1024  # bytes of request line and headers
MAX_FRAMING = 1024 * 1024  # bytes of one request that are neither head nor body: chunk sizes, trailers, empty lines
LINGER = 2.0  # seconds for a client to finish writing what is already refused
_OFFER = frozenset({b"connection", b"upgrade", b"http2-settings"})
_HEAD_TOO_LONG = ErrorResponse(431, f"the request's headers exceed {MAX_HEAD} bytes", code="headers_too_large")
_BAD_HTTP = ErrorResponse(400, "this is not a valid HTTP request", code="bad_http")


class _Deaf:
    """Stands where the parser was once a connection is refused: what still comes is dropped."""

    def feed_data(self, data: bytes) -> None:
        pass


class HotProtocol(KnownHeads):
    """One client connection."""

    __slots__ = (  # uvicorn's as well, where requests touch them: side by side, and not in a dict too large to share
        "_between", "_default", "_first", "_head_bytes", "_in_head", "_packet", "_quiet", "cycle",
        "expect_100_continue", "flow", "headers", "loop", "parser", "pipeline", "server_state", "transport", "url",
    )  # fmt: skip

    def __init__(self, gateway: Gateway, *args: Any, **kwargs: Any) -> None:
        super().__init__(gateway, *args, **kwargs)
        self._in_head = False
        self._head_bytes = 0  # of the head under way, from its second packet on
        self._packet = 0
        self._between = False  # nothing is served, though requests wait
        self._default: tuple[object, bytes] = (None, b"")
        self._quiet = True  # the parser waits for a request to begin
        self._first: bytes | None = None  # the packet at hand where it begins a request, until that is whole

    def default_lines(self) -> bytes:
        """The server's own header lines; uvicorn makes a new list of them every second."""
        pairs = self.server_state.default_headers
        if self._default[0] is not pairs:
            self._default = (pairs, b"".join(b"%b: %b\r\n" % pair for pair in pairs))
        return self._default[1]

    # asyncio.Protocol

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # a stream protocol is given a stream transport
        self.caller = Caller(self.client[0] if self.client else "")

    def parse(self, data: bytes) -> None:
        self._packet = len(data)
        if self._in_head:
            self._head_bytes += len(data)
        self._first = data if self._resting else None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse_connection(_BAD_HTTP)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        self._first = None
        if self._in_head:
            if self._head_bytes > MAX_HEAD:
                self._refuse_connection(_HEAD_TOO_LONG)
        elif self._packet:  # it held nothing of a body, and completed nothing
            self._head_bytes += self._packet
            if self._head_bytes > MAX_FRAMING:
                self._refuse_connection(_BAD_HTTP)

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        cycles = {self._active, self.cycle, *(queued for queued, _ in self.pipeline)}
        self._active = None
        for cycle in cycles:
            if isinstance(cycle, HotCycle) and not cycle.response_complete:
                cycle.response_complete = True
                cycle.journey.leave()
        self.cycle = None  # type: ignore[assignment]  # it holds this connection: neither waits for the collector

    def pause_writing(self) -> None:
        super().pause_writing()
        if self._active is not None and self._active.flow is not None:
            self._active.flow.pause()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._active is not None and self._active.flow is not None:
            self._active.flow.resume()
        elif self._between:
            self.loop.call_soon(self._next)

    # httptools

    def on_message_begin(self) -> None:
        self._quiet = self._resting = False
        self.url = b""
        self.headers = []
        self._in_head = True
        self._head_bytes = 0
        self.idle_since = self.heard

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers are nobody's
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if (self._head_bytes or self._packet > MAX_HEAD) and self._head_size() > MAX_HEAD:
            self._refuse_connection(_HEAD_TOO_LONG)
            return
        parser = self.parser
        if parser.should_upgrade():
            return  # to be declined: the parser will say where the offer ends
        given = dict(self.headers)
        self.expect_100_continue = given.get(b"expect", b"").lower() == b"100-continue"
        family = HOT.get(self.url) or HOT.get(self.url.partition(b"?")[0])
        # HTTP/1.0 has no chunks, which our streams are sent in.
        if family is None or parser.get_method() != b"POST" or parser.get_http_version() != "1.1":
            self._leave_to_litestar()
            return
        previous = self.cycle
        preamble, keep_alive = RequestHead(family, given), parser.should_keep_alive()
        cycle = HotCycle.begin(self, preamble, keep_alive)
        self.cycle = cycle  # type: ignore[assignment]  # it has what the base class uses of a cycle
        if self._first is not None and keep_alive and not self.expect_100_continue and cycle.journey.refused is None:
            self.learn(self._first, preamble)
        free = previous is None or previous.response_complete
        if free and not self.flow.write_paused:
            self._active = cycle
            if self.expect_100_continue or cycle.journey.refused is not None:
                self.activate(cycle)
        else:
            self._between = self._between or free
            self.flow.pause_reading()
            self.pipeline.appendleft((cycle, self.app))  # type: ignore[arg-type]

    def on_body(self, body: bytes) -> None:
        self.idle_since = self.heard
        self._packet = 0
        cycle: Any = self.cycle
        if not isinstance(cycle, HotCycle):
            super().on_body(body)
        elif not cycle.response_complete and cycle.feed(body):
            self.refuse_early(cycle)

    def on_message_complete(self) -> None:
        self.idle_since = 0.0
        self._packet = 0
        self._quiet, self._first = True, None
        cycle: Any = self.cycle
        if isinstance(cycle, HotCycle):
            cycle.more_body = False
            if cycle is self._active:
                cycle.run()
        elif cycle is not None:  # there is none yet where the first request is an offer to be declined
            super().on_message_complete()

    # the pipeline

    def on_response_complete(self) -> None:
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        if self.pipeline:
            # Not at once: requests that are answered on the spot would nest as deep as a client cares to pipeline.
            self._between = True
            self.loop.call_soon(self._next)
        else:
            if self.flow.read_paused:
                self.flow.resume_reading()
            self._resting = self._quiet and not self._missing
            self.idle_since = clock.now()

    def _next(self) -> None:
        """Serve the request that has waited longest, when the client has taken the answers before it."""
        if self._between and not self.flow.write_paused:
            self._between = False
            self.heard = clock.now()
            cycle, app = self.pipeline.pop()
            if not self.pipeline:  # only the latest may lack some of its body; reading on for others would pile them up
                self.flow.resume_reading()
            self._start_asgi_task(cycle, app)

    def _start_asgi_task(self, cycle: Any, app: Any) -> None:
        if isinstance(cycle, HotCycle):
            self.activate(cycle)
        else:
            super()._start_asgi_task(cycle, app)

    def activate(self, cycle: HotCycle) -> None:
        """It is this cycle's turn to answer."""
        if cycle.response_complete:  # its connection was lost in the meantime
            return
        self._active = cycle
        if cycle.journey.refused is not None and (self.expect_100_continue or cycle.too_large):
            self.refuse_early(cycle)
        elif not cycle.more_body:
            cycle.run()
        elif self.expect_100_continue:
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def refuse_early(self, cycle: HotCycle) -> None:
        """Answer before the body is read, then let the client finish writing: closing at once would reset the
        connection and lose the answer."""
        if cycle is self._active:
            cycle.keep_alive = False
            cycle.linger = True
            cycle.run()

    def _leave_to_litestar(self) -> None:
        if self.parser.get_http_version() == "0.9":  # a request line that names no version
            self._refuse_connection(_BAD_HTTP)
            return
        url, given, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url = url
        self.headers.extend(given)
        self.expect_100_continue = expects
        super().on_headers_complete()

    # what is not HTTP, or not ours

    def _decline_upgrade(self, rest: bytes) -> None:
        """An offer to switch protocols (Java's client makes one of HTTP/2 with every request) is declined by answering
        in HTTP/1.1. The parser takes it for accepted, so the request is read anew without it."""
        lines = b"".join(b"%b: %b\r\n" % pair for pair in self.headers if pair[0] not in _OFFER)
        head = b"%b %b HTTP/1.1\r\n%b\r\n" % (self.parser.get_method(), self.url, lines)
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    def _head_size(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _refuse_connection(self, refused: ErrorResponse) -> None:
        """Answer, outside any journey unless one waits for its body, and close; in the middle of another answer only
        the closing is left."""
        self._in_head = False
        self.parser = _Deaf()  # type: ignore[assignment]
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle is self._active and isinstance(cycle, HotCycle) and cycle.more_body and not cycle.started:
                cycle.journey.refused = refused
                self.refuse_early(cycle)
            else:
                self.transport.close()
            return
        body = CHAT.error(refused)
        lines = self.default_lines() + b"content-type: application/json\r\nconnection: close\r\n"
        head = b"%b%bcontent-length: %d\r\n\r\n" % (STATUS_LINE[refused.status], lines, len(body))
        self.transport.write(head + body)
        self.close_later()

    def close_later(self) -> None:
        """End the answers now, and the connection when the client has had time to finish writing: closing on what it
        writes would reset the connection and lose the answer."""
        self._quiet = self._resting = False  # nothing more is answered here
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)
