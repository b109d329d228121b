"""An attempt: one request sent to one endpoint. It commits, relays, and settles exactly once.

Bytes that arrive are written to the client in the same tick of the transport's callbacks. Nothing here retries.
"""

# compiled

from collections.abc import Callable, Mapping
from functools import partial
from math import inf
from types import MappingProxyType
from typing import Protocol

from backends.contract.adapter import Adapter, Incoming, Unsendable
from backends.contract.decoder import Decoder
from backends.contract.transport import Exchange
from backends.reply.quota import remaining
from gateway import clock
from gateway.proxy.context import Gateway
from gateway.proxy.hold import Hold
from gateway.proxy.media import TIME_IS_UP, fetch
from gateway.proxy.response_writer import ResponseWriter
from gateway.recording.tracing import carried
from gateway.state.counters import Counters
from gateway.state.shared import SharedState
from policies.attempts.outcome import Outcome
from policies.load.candidate import Candidate
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.limits import Timeouts
from policies.vocabulary.types import Usage

MAX_ERROR_BODY = 1024 * 1024  # bytes of an upstream's refusal that are kept
MAX_HELD = 4 * 1024 * 1024  # bytes of events without content that wait for the commit
_now = clock.now
_NOTHING: Mapping[bytes, bytes] = MappingProxyType({})
_IDENTITY = (b"", b"identity")
_LATE = {
    Failure.TIMEOUT_CONNECT: "no connection in time (timeouts.connect)",
    Failure.TIMEOUT_RESPONSE: "no answer in time (timeouts.response)",
    Failure.TIMEOUT_TTFT: "no first token in time (timeouts.ttft)",
    Failure.STREAM_IDLE: "the upstream's stream stalled (timeouts.stream_idle)",
}


class Owner(Protocol):
    """Whose attempt it is: the journey, or what stands in for it while a second attempt is under way."""

    @property
    def deadline(self) -> float: ...
    @property
    def outcome(self) -> Outcome: ...
    @property
    def answer(self) -> ResponseWriter: ...

    def start(self, attempt: "Attempt", status: int, upstream: Mapping[bytes, bytes], first: bytes) -> None:
        """The first content of a streamed answer."""

    def whole(
        self, attempt: "Attempt", status: int, upstream: Mapping[bytes, bytes], body: bytes, usage: Usage
    ) -> None:
        """A whole answer."""

    def silent(self, attempt: "Attempt", fault: Fault) -> bool:
        """Its first token is late; True: it is kept all the same."""

    def settled(self, attempt: "Attempt", fault: Fault | None) -> None:
        """It is over: answered whole, broken after its commit, or to be followed by another."""


class Attempt:
    """A Receiver for the upstream, a Flow for the client, and has deadlines."""

    __slots__ = (
        "_adapter", "_counters", "_error", "_exchange", "_headers", "_held", "_hold", "_incoming", "_late", "_limits",
        "_over", "_shared", "_status", "candidate", "committed", "deadline", "decoder", "first_at", "owner", "paused",
        "sent_at", "started", "total", "write",
    )  # fmt: skip

    write: Callable[[bytes], None]  # from its commit on
    _counters: Counters  # from its sending on, as is the next
    _shared: SharedState

    def __init__(
        self, owner: Owner, candidate: Candidate, limits: Timeouts, adapter: Adapter, incoming: Incoming, started: float
    ) -> None:
        self.owner = owner
        self.candidate, self.started = candidate, started
        self.deadline = self.total = inf
        self.decoder: Decoder | None = None
        self.committed = self.paused = False
        self.sent_at = self.first_at = 0.0
        self._limits, self._adapter, self._incoming = limits, adapter, incoming
        self._late = Failure.TIMEOUT_CONNECT  # what it is when the deadline passes
        self._exchange: Exchange | None = None
        self._hold: Hold | None = None  # for what the request's URLs hold
        self._over, self._status = False, 0
        self._headers: Mapping[bytes, bytes] = _NOTHING
        self._held = b""  # events without content, that wait for the commit
        self._error: list[bytes] | None = None

    def send(self, gateway: Gateway) -> None:
        """Begin; it is counted before anything else can happen."""
        request, live = self._incoming.request, gateway.counters
        self._counters, self._shared = live, gateway.shared
        self.deadline, self.total = self.started + self._limits.connect, self.owner.deadline
        live.enter(self.candidate, request.prompt_tokens, request.family, self.started)
        if request.blocks:
            live.hold(self.candidate, request, self.started, self._incoming.facts)
        if gateway.tracer is not None:
            self._incoming = carried(self.owner.outcome, self._incoming)
        fetchers = gateway.catalog.fetchers
        if fetchers and self.candidate.id[0] in fetchers:
            seconds, fetched = self.total - self.started, partial(self._fetched, gateway)
            self._hold = fetch(gateway, fetchers[self.candidate.id[0]], self._incoming, seconds, fetched)
        if self._hold is None:
            self._go(gateway)

    def give_back(self, gateway: Gateway, fault: Fault | None) -> float:
        """It is over: give back what it held, and tell what it says of its endpoint; when that was."""
        now, request, candidate, live = _now(), self._incoming.request, self.candidate, gateway.counters
        gateway.deadlines.discard(self)
        if fault is not None or candidate.load.breakers:
            live.observe(candidate, request.family, fault, self.started, now)
        gateway.metrics.attempt((candidate.id, request.family, fault))
        if fault is not None and not self.committed:
            live.failed(candidate, request, fault, self.patience, now)
        forecast = live.leave(candidate, request)
        if forecast is not None:
            self.owner.outcome.foretold = forecast
        if gateway.queue.queue.waiting:
            gateway.queue.pump(now)
        return now

    def _go(self, gateway: Gateway) -> None:
        try:
            wire = self._adapter.encode(self._incoming)
        except Unsendable as problem:
            self._settle(problem.fault)
            return
        gateway.deadlines.add(self)
        self.sent_at = _now()
        self._exchange = gateway.transport.send(wire, self)

    def _fetched(self, gateway: Gateway, fault: Fault | None) -> None:
        """What the request's URLs hold is here, or cannot be fetched."""
        self.deadline = _now() + self._limits.connect
        if fault is None:
            self._go(gateway)
        else:
            self._settle(fault)

    def cancel(self) -> None:
        """Drop it, so that the upstream stops working; it settles nothing any more."""
        self._over = True
        self._stop()

    # Receiver

    def sent(self) -> None:
        now = clock.now()
        if self._incoming.facts.stream:
            self.deadline, self._late = now + self._limits.ttft, Failure.TIMEOUT_TTFT
        else:
            self.deadline, self._late = now + self._limits.response, Failure.TIMEOUT_RESPONSE

    def head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self._status, self._headers = status, headers
        if self.candidate.deployment.metered and (left := remaining(headers)) is not None:
            self._shared.metered(self.candidate.domain, left, _now())
        if not 200 <= status < 300:
            self._error = []
        elif headers.get(b"content-encoding", b"") not in _IDENTITY:
            self._fail(Fault(Failure.MALFORMED, "the upstream sent a compressed answer"))
        else:
            self.decoder = self._adapter.decoder(self._incoming, headers.get(b"content-type", b""))
            if self.decoder.head is not None:
                self._headers = self.decoder.head

    def data(self, data: bytes) -> None:
        decoder = self.decoder
        if decoder is None:
            if self._error is not None and sum(map(len, self._error)) < MAX_ERROR_BODY:
                self._error.append(data)
            return
        out = decoder.feed(data)
        if self.committed:
            if decoder.progressed:
                self.deadline = _now() + self._limits.stream_idle
            if out:
                self.write(out)
        elif decoder.committed:
            self._commit(self._held + out)
        elif out:
            self._held += out
            if len(self._held) > MAX_HELD:
                self._fail(Fault(Failure.MALFORMED, f"the upstream sent {MAX_HELD} bytes without content"))
                return
        elif decoder.progressed:  # nothing for the client yet, but the upstream is at work
            self.deadline, self._late = _now() + self._limits.stream_idle, Failure.STREAM_IDLE
        if decoder.fault is not None:
            self._fail(decoder.fault)

    def end(self) -> None:
        decoder = self.decoder
        if decoder is None:
            error = b"".join(self._error or ())
            self._settle(self._adapter.fault(self._incoming, self._status, self._headers, error))
            return
        last = decoder.close()
        if decoder.fault is None:
            if self.committed:
                if last:
                    self.write(last)
                self.owner.answer.end()
            else:
                self.committed, self.first_at = True, clock.now()
                self.owner.whole(self, self._status, self._headers, self._held + last, decoder.usage)
        self._settle(decoder.fault)

    def lost(self, fault: Fault) -> None:
        self._settle(fault)

    # Flow: the client's pace

    def pause(self) -> None:
        self.paused = True
        if self._exchange is not None:
            self._exchange.pause()

    def resume(self) -> None:
        self.paused = False
        self.deadline, self._late = _now() + self._limits.stream_idle, Failure.STREAM_IDLE
        if self._exchange is not None:
            self._exchange.resume()

    @property
    def patience(self) -> float:
        """Seconds that its first content may take: what an endpoint that fails has cost, however fast it failed."""
        return self._limits.ttft if self._incoming.facts.stream else self._limits.response

    @property
    def at_work(self) -> bool:
        """Whether its upstream has the request, and has not refused it."""
        return self._error is None and self._late is not Failure.TIMEOUT_CONNECT

    # Watched

    def expire(self, now: float) -> None:
        if now >= self.total:
            self._fail(TIME_IS_UP)
        elif self.paused:
            self.deadline = now + self._limits.stream_idle  # the client is slow, not the upstream
        else:
            fault = Fault(self._late, _LATE[self._late])
            if self._late is Failure.TIMEOUT_TTFT and self.owner.silent(self, fault):
                self.deadline = now + self._limits.ttft  # once more, beside the next one
            else:
                self._fail(fault)

    def answers(self, outcome: Outcome) -> None:
        """Its first content is in hand: note how long that took."""
        request, load, now = self._incoming.request, self.candidate.load, self.first_at
        waited = now - self.sent_at
        outcome.status, outcome.first_token = self._status, now
        outcome.waited += waited
        if load.breakers or load.speed is not None or request.blocks or load.forecasts:  # else nothing learns of it
            self._counters.committed(self.candidate, request, waited, self.started, now)

    def _commit(self, first: bytes) -> None:
        self.committed = True
        self._held = b""
        self.write = self.owner.answer.write
        self.first_at = _now()
        self.deadline, self._late = self.first_at + self._limits.stream_idle, Failure.STREAM_IDLE
        self.owner.start(self, self._status, self._headers, first)

    def _fail(self, fault: Fault) -> None:
        """It failed while the upstream was still at work."""
        self._stop()
        self._settle(fault)

    def _stop(self) -> None:
        if self._exchange is not None:
            self._exchange.cancel()
        if self._hold is not None:
            self._hold.cancel()

    def finish(self) -> None:
        """The answer is complete, whatever the upstream still says."""
        if not self._over:
            self._stop()
            self.owner.answer.end()
            self._settle(None)

    def _settle(self, fault: Fault | None) -> None:
        if not self._over:
            self._over = True
            if self.decoder is not None:
                self.owner.outcome.usage = self.decoder.usage
            self.owner.settled(self, fault)
