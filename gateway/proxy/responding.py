"""What a client is told. Rule: every request ends here, once: answered, refused, broken off; and leaves its outcome."""

# compiled

import asyncio
import traceback
from collections.abc import Callable
from typing import TYPE_CHECKING

from backends.contract.adapter import Incoming
from backends.serving.client_apis import client_api
from gateway import clock
from gateway.catalog import error_response as refusal
from gateway.catalog.error_response import ErrorResponse
from gateway.proxy import headers
from gateway.proxy import no_endpoint as nowhere
from gateway.proxy.request_head import RequestHead
from gateway.proxy.response_writer import ResponseWriter
from policies.attempts.machine import GiveUp
from policies.attempts.outcome import Outcome
from policies.vocabulary.failure import Failure, Fault

if TYPE_CHECKING:
    from gateway.proxy.attempt import Attempt
    from gateway.proxy.context import Gateway

_CANCELLED = Fault(Failure.CANCELLED, "the client left")
_DEFECT = Fault(Failure.CANCELLED, "internal error of the gateway")
_STOPPING = Fault(Failure.NO_ENDPOINT, "the gateway is shutting down; retry")


class Telling:
    """The half of a journey that faces its client. ``given``: the client's headers."""

    __slots__ = (
        "_timer", "answer", "catalog", "family", "gateway", "given", "incoming", "max_body", "outcome", "preamble",
        "refused",
    )  # fmt: skip

    def __init__(self, gateway: "Gateway", preamble: RequestHead, answer: ResponseWriter, outcome: Outcome) -> None:
        self.gateway = gateway
        self.catalog = gateway.catalog
        self.family = preamble.family
        self.given = preamble.given
        self.preamble = preamble
        self.answer = answer
        self.outcome = outcome
        self.max_body = 0  # bytes
        self.refused: ErrorResponse | None = None  # told before the body is read
        self.incoming: Incoming = None  # type: ignore[assignment]  # from its decoding on
        self._timer: asyncio.TimerHandle | asyncio.Task[None] | None = None

    def over_limit(self, size: int) -> bool:
        """A body has grown to ``size`` bytes; True: it is refused."""
        if size > self.max_body:
            self.refused = headers.body_too_large(self.max_body)
        return size > self.max_body

    def _commit(self, attempt: "Attempt", status: int) -> None:
        outcome, now, load = self.outcome, attempt.first_at, attempt.candidate.load
        waited = now - attempt.sent_at
        outcome.status, outcome.first_token = status, now
        outcome.waited += waited
        request = self.incoming.request
        if load.breakers or load.speed is not None or request.blocks or load.forecasts:  # else nobody learns of it
            self.gateway.counters.committed(attempt.candidate, request, waited, attempt.started, now)

    def _lines(self, content_type: bytes) -> bytes:
        return headers.answered(self.outcome, content_type, self.given, self.catalog.config.server.cors)

    def refuse(self, refused: ErrorResponse, fault: Fault | None = None) -> None:
        self.outcome.status = refused.status
        lines = self._lines(b"application/json") + refused.lines()
        self.answer.whole(refused.status, lines, client_api(self.family).error(refused))
        self.conclude(fault)

    def give_up(self, action: GiveUp) -> None:
        """No place is left to try: the upstream's own words where they speak of the request, else ours."""
        fault, count = nowhere.told(action.fault, self.family, self.incoming.request, self.catalog.models)
        if count is None and not refusal.passes_on(fault):
            self.refuse(refusal.of_fault(fault, self.outcome.tried, action.retry_after), fault)
            return
        self.outcome.status, body, lines = nowhere.answered(fault, count)
        self.answer.whole(self.outcome.status, self._lines(fault.content_type) + lines, body)
        self.conclude(fault if count is None else None)

    def break_off(self, fault: Fault) -> None:
        """A committed answer cannot be finished: say so in its own way, and never end it as if it were whole."""
        if self.outcome.stream and self.family.events:
            self.answer.write(client_api(self.family).stream_error(refusal.in_stream(fault)))
            self.answer.end()
        else:
            self.answer.abort()
        self.conclude(fault)

    def conclude(self, fault: Fault | None, now: float | None = None) -> None:
        """Record what became of it, once, on every path."""
        outcome = self.outcome
        outcome.fault = fault
        outcome.finished = now or clock.now()
        self.gateway.journeys.discard(self)
        self.gateway.record(outcome)

    # Before its time

    def leave(self) -> None:
        """The client is gone: whatever was going on for it stops at once."""
        if self.outcome.finished:
            return
        self._drop(_CANCELLED)
        self.outcome.status = _CANCELLED.failure.status
        self.conclude(_CANCELLED)

    def stop(self) -> None:
        """The process must end: tell the client, in its stream if need be."""
        self._drop(_STOPPING)
        if self.outcome.first_token:
            self.break_off(_STOPPING)
        else:
            self.refuse(ErrorResponse(503, _STOPPING.message, "server_error", "stopping", retry_after=1.0))

    def waits(self, on: asyncio.Task[None] | None) -> None:
        """What the journey waits for, and is ended with it."""
        self._timer = on

    def later(self, seconds: float, call: Callable[..., None], *given: object) -> None:
        """Go on after a pause; the client may leave meanwhile."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._ring, call, *given)

    def _ring(self, call: Callable[..., None], *given: object) -> None:
        self._timer = None  # it holds this journey, too
        self.guarded(call, *given)

    def guarded(self, call: Callable[..., None], *given: object) -> None:
        try:
            call(*given)
        except Exception:
            self._crashed()

    def _crashed(self) -> None:
        """The outermost frame of our own code: a defect costs this request and a traceback in the log, no more."""
        self.gateway.log.event("error", "defect", traceback.format_exc())
        if not self.outcome.finished:
            self._drop(_DEFECT)
            if self.outcome.first_token:
                self.break_off(_DEFECT)
            else:
                self.refuse(ErrorResponse(500, _DEFECT.message, "server_error", "internal_error"))

    def _drop(self, fault: Fault) -> None:
        """End whatever is under way."""
        raise NotImplementedError
