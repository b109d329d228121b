"""The fast listener: a uvicorn protocol that answers the endpoint families itself and leaves the rest to Litestar.

Such a request is a cycle beside uvicorn's own, in the same pipeline, stopped by the same shutdown.
"""

# compiled

import asyncio
from typing import Any

import httptools
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from backends.contract.families import FAMILIES
from gateway import clock
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Caller
from gateway.proxy.context import Gateway
from gateway.proxy.request_head import RequestHead
from gateway.server import bad_connection as bad
from gateway.server.fast_cycle import HotCycle
from gateway.server.known_heads import KnownHeads

HOT = {path.encode(): family for family in FAMILIES for path in family.paths}
LINGER = 2.0  # seconds for a client to finish writing what is already refused


class HotProtocol(HttpToolsProtocol):
    """One client connection. Times are monotonic seconds. ``heard``: when the packet at hand came, or the turn of the
    request at hand did; ``idle_since``: that, while the gateway waits for the client; 0 while it is waited for."""

    __slots__ = (  # uvicorn's as well, where requests touch them: side by side, and not in a dict too large to share
        "_active", "_between", "_default", "_first", "_head_bytes", "_in_head", "_known", "_missing", "_packet",
        "_quiet", "_resting", "caller", "cycle", "expect_100_continue", "flow", "gateway", "headers", "heard",
        "idle_since", "loop", "parser", "pipeline", "server_state", "transport", "url",
    )  # fmt: skip

    caller: Caller  # once there is a connection

    def __init__(self, gateway: Gateway, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gateway = gateway
        self.heard = self.idle_since = clock.now()
        self._active: HotCycle | None = None  # the one being served: not the latest one, where requests pipeline
        self._resting = True  # nothing is served, and the parser waits for a request to begin
        self._known = KnownHeads()
        self._missing = 0  # bytes of a body that skip the parser
        self._in_head = False
        self._head_bytes = self._packet = 0  # of the head under way, from its second packet on; of the packet at hand
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

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)  # type: ignore[arg-type]  # a stream protocol is given a stream transport
        self.caller = Caller(self.client[0] if self.client else "")

    def data_received(self, data: bytes) -> None:
        self.heard = clock.now()
        if self._missing:
            self._more(data)
            return
        known = self._known.bytes
        if known is not None and self._resting and not self.flow.write_paused:
            start = known.body_at(data)
            if 0 < start <= len(data) <= start + known.length:
                self._again(known.length, data[start:])
                return
        self._parse(data)

    def _again(self, length: int, body: bytes) -> None:
        """A request that begins with the known head, whose body is of so many bytes."""
        self._known.useful, self._resting, head = True, False, self._known.head
        head.length = length
        self._active = cycle = HotCycle(self, self.transport, head, True)
        self.cycle = cycle  # type: ignore[assignment]  # it has what the base class uses of a cycle
        journey = cycle.journey
        if journey.refused is None and len(body) == length:  # the whole of it, as a rule
            self.idle_since = 0.0
            cycle.more_body, cycle.started = False, True
            journey.run(body, self.heard)
            return
        self._missing = length
        if journey.refused is not None:
            self._activate(cycle)
        self._more(body)

    def _more(self, data: bytes) -> None:
        """Some of a body that skips the parser, and whatever follows it."""
        body, rest = data[: self._missing], data[self._missing :]
        self._missing -= len(body)
        self.on_body(body)
        if not self._missing:
            self.on_message_complete()
        if rest:
            self._parse(rest)

    def _parse(self, data: bytes) -> None:
        self._packet = len(data)
        if self._in_head:
            self._head_bytes += len(data)
        self._first = data if self._resting else None
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self._refuse_connection(bad.BAD_HTTP)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade(data[upgrade.args[0] :])
        self._first = None
        if self._in_head:
            if self._head_bytes > bad.MAX_HEAD:
                self._refuse_connection(bad.HEAD_TOO_LONG)
        elif self._packet:  # it held nothing of a body, and completed nothing
            self._head_bytes += self._packet
            if self._head_bytes > bad.MAX_FRAMING:
                self._refuse_connection(bad.BAD_HTTP)

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

    def on_message_begin(self) -> None:
        self._quiet = self._resting = False
        self.url = b""
        self.headers = []
        self._in_head = True
        self._head_bytes = 0
        self.idle_since = self.heard

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._in_head:  # trailers are ignored
            self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self._in_head = False
        if (self._head_bytes or self._packet > bad.MAX_HEAD) and bad.head_size(self.url, self.headers) > bad.MAX_HEAD:
            self._refuse_connection(bad.HEAD_TOO_LONG)
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
        request, keep_alive = RequestHead(family, given), parser.should_keep_alive()
        cycle = HotCycle(self, self.transport, request, keep_alive)
        self.cycle = cycle  # type: ignore[assignment]  # it has what the base class uses of a cycle
        if self._first is not None and keep_alive and not self.expect_100_continue and cycle.journey.refused is None:
            self._known.learn(self._first, len(self.headers), request)
        free = previous is None or previous.response_complete
        if free and not self.flow.write_paused:
            self._active = cycle
            if self.expect_100_continue or cycle.journey.refused is not None:
                self._activate(cycle)
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
            self._refuse_early(cycle)

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
        if self.parser.get_http_version() == "0.9":  # a request line that names no version
            self._refuse_connection(bad.BAD_HTTP)
            return
        url, given, expects = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url = url
        self.headers.extend(given)
        self.expect_100_continue = expects
        super().on_headers_complete()

    def _decline_upgrade(self, rest: bytes) -> None:
        """An offer to switch protocols (Java's client makes one of HTTP/2 with every request) is declined by answering
        in HTTP/1.1. The parser takes it for accepted, so the request is read anew without it."""
        head = bad.without_offer(self.parser.get_method(), self.url, self.headers)
        self.parser = httptools.HttpRequestParser(self)
        self.data_received(head + rest)

    def _refuse_connection(self, refused: ErrorResponse) -> None:
        """Answer, outside any journey unless one waits for its body, and close; amid another answer, only close."""
        self._in_head = False
        self.parser = bad.Dropping()  # type: ignore[assignment]
        cycle: Any = self.cycle
        if cycle is not None and not cycle.response_complete:
            if cycle is self._active and isinstance(cycle, HotCycle) and cycle.more_body and not cycle.started:
                cycle.journey.refused = refused
                self._refuse_early(cycle)
            else:
                self.transport.close()
            return
        self.transport.write(STATUS_LINE[refused.status] + self.default_lines() + bad.closing(refused))
        self.close_later()

    def close_later(self) -> None:
        """Stop answering, and close when the client has had time to finish: to close at once loses the answer."""
        self._quiet = self._resting = False  # nothing more is answered here
        if self.transport.can_write_eof():
            self.transport.write_eof()
        self.loop.call_later(LINGER, self.transport.close)
