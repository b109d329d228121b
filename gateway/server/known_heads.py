"""Repeating clients. Rule: a request that begins with the head of the one before passes the parser by.

It comes while the parser waits for the next request, and ends there, so for the parser nothing has happened. What a
head says is read once for all that begin with it (see backends/transports/heads.py); any other request is parsed.
"""

# compiled

from typing import TYPE_CHECKING, Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from backends.transports import heads
from gateway import clock
from gateway.catalog.keys import Caller
from gateway.proxy.journey import Journey
from gateway.proxy.request_head import RequestHead
from gateway.server.fast_cycle import HotCycle

if TYPE_CHECKING:
    from gateway.proxy.context import Gateway


class KnownHeads(HttpToolsProtocol):
    """One client connection, up to its parser. Times are monotonic seconds. ``heard``: when the packet at hand came in,
    or the turn of the request at hand did; ``idle_since``: that, while the gateway waits for the client; 0 while it is
    waited for."""

    __slots__ = (
        "_active", "_head", "_missing", "_preamble", "_resting", "_useful", "caller", "gateway", "heard", "idle_since",
    )  # fmt: skip

    caller: Caller

    def __init__(self, gateway: "Gateway", *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.gateway = gateway
        self.heard = self.idle_since = clock.now()
        self._active: HotCycle | None = None  # the one being served: not the latest one, where requests pipeline
        self._resting = True  # nothing is served, and the parser waits for a request to begin
        self._head: heads.Head | None = None  # of the last request, with which the next may begin,
        self._preamble: RequestHead  # and what it says
        self._useful = True  # one has begun with it, or none was tried
        self._missing = 0  # bytes of a body that pass the parser by

    def data_received(self, data: bytes) -> None:
        self.heard = clock.now()
        if self._missing:
            self._more(data)
            return
        head = self._head
        if head is not None and self._resting and not self.flow.write_paused:
            start = head.body_at(data)
            if 0 < start <= len(data) <= start + head.length:
                self._again(head, data[start:])
                return
        self.parse(data)

    def learn(self, packet: bytes, preamble: RequestHead) -> None:
        """The packet begins with a head that the next one may begin with. Where the last one learned has been of no
        use, this client repeats nothing, and no more is learned."""
        if self._useful:
            self._head, self._preamble, self._useful = heads.head(packet, len(self.headers)), preamble, False

    def _again(self, head: heads.Head, body: bytes) -> None:
        self._useful, self._resting = True, False
        preamble = self._preamble
        preamble.length = head.length
        self._active = cycle = HotCycle(self, self.transport, True)
        self.cycle = cycle  # type: ignore[assignment]  # it has what the base class uses of a cycle
        cycle.journey = journey = Journey.begin(self.gateway, preamble, self.caller, cycle, self.heard)
        if journey.refused is None and len(body) == head.length:  # the whole of it, as a rule
            self.idle_since = 0.0
            cycle.more_body, cycle.started = False, True
            journey.run(body, self.heard)
            return
        self._missing = head.length
        if journey.refused is not None:
            self.activate(cycle)
        self._more(body)

    def _more(self, data: bytes) -> None:
        """Some of a body that passes the parser by, and whatever follows it."""
        cycle: Any = self.cycle
        body, rest = data[: self._missing], data[self._missing :]
        self._missing -= len(body)
        self.idle_since = self.heard
        if not cycle.response_complete and cycle.feed(body):
            self.refuse_early(cycle)
        if not self._missing:
            self.idle_since = 0.0
            cycle.more_body = False
            if not cycle.response_complete:
                cycle.run()
        if rest:
            self.parse(rest)

    def default_lines(self) -> bytes:
        """The server's own header lines."""
        raise NotImplementedError

    def parse(self, data: bytes) -> None:
        """Read a packet that begins in another way."""
        raise NotImplementedError

    def activate(self, cycle: HotCycle) -> None:
        """It is this cycle's turn to answer."""
        raise NotImplementedError

    def refuse_early(self, cycle: HotCycle) -> None:
        """Answer before the body is read."""
        raise NotImplementedError

    def close_later(self) -> None:
        """End the answers now, and the connection when the client has had time to finish writing."""
        raise NotImplementedError
