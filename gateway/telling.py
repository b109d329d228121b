"""What a client is told. Rule: every request ends here, once: answered, refused, broken off; and leaves its outcome."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from backends.families import Family
from gateway import clock, headers, refusal
from gateway.answer import Answer
from gateway.catalog import Catalog
from gateway.refusal import Refusal
from policies.failure import Fault
from policies.machine import GiveUp
from policies.types import Outcome, Usage

if TYPE_CHECKING:
    from gateway.attempt import Attempt
    from gateway.gateway import Gateway


class Telling:
    """The half of a journey that faces its client."""

    __slots__ = ("answer", "catalog", "family", "gateway", "given", "max_body", "outcome", "refused")

    gateway: "Gateway"
    catalog: Catalog
    family: Family
    given: Mapping[bytes, bytes]  # the client's headers
    answer: Answer
    outcome: Outcome
    max_body: int  # bytes
    refused: Refusal | None  # told before the body is read

    def over_limit(self, size: int) -> bool:
        """A body has grown to ``size`` bytes; True: it is refused."""
        if size > self.max_body:
            self.refused = headers.body_too_large(self.max_body)
        return size > self.max_body

    def begin_answer(self, attempt: "Attempt", status: int, upstream: Mapping[bytes, bytes], first: bytes) -> None:
        """The head of a streamed answer and its first content."""
        self._commit(attempt, status)
        self.answer.flow = attempt
        lines = self._lines(upstream.get(b"content-type", b"")) + headers.passed_back(upstream)
        self.answer.start(status, lines + headers.STREAMED, first)

    def answer_whole(
        self, attempt: "Attempt", status: int, upstream: Mapping[bytes, bytes], body: bytes, usage: Usage
    ) -> None:
        self._commit(attempt, status)
        lines = self._lines(upstream.get(b"content-type", b"application/json")) + headers.passed_back(upstream)
        price = attempt.candidate.deployment.price
        if price is not None and usage.source == "upstream":
            lines += b"x-cloverleaf-cost-usd: %.8f\r\n" % usage.cost(price)
        self.answer.whole(status, lines, body)

    def _commit(self, attempt: "Attempt", status: int) -> None:
        outcome = self.outcome
        outcome.status = status
        outcome.first_token = attempt.first_at
        outcome.waited += attempt.first_at - attempt.sent_at
        if attempt.candidate.load.breakers:
            self.gateway.live.prove(attempt.candidate, self.family.name, attempt.first_at)

    def _lines(self, content_type: bytes) -> bytes:
        lines = headers.told(self.outcome, content_type, clock.now())
        allowed = self.catalog.config.server.cors
        return lines + headers.cors(self.given, allowed) if allowed else lines

    def refuse(self, refused: Refusal, fault: Fault | None = None) -> None:
        self.outcome.status = refused.status
        lines = self._lines(b"application/json") + refused.lines()
        self.answer.whole(refused.status, lines, refused.body(self.family.name))
        self.conclude(fault)

    def give_up(self, action: GiveUp) -> None:
        """No place is left to try: the upstream's own words where they speak of the request, else ours."""
        fault = action.fault
        if not refusal.passes_on(fault):
            self.refuse(refusal.of_fault(fault, self.outcome.tried, action.retry_after), fault)
            return
        self.outcome.status = fault.status
        self.answer.whole(fault.status, self._lines(fault.content_type), fault.body)
        self.conclude(fault)

    def break_off(self, fault: Fault) -> None:
        """A committed answer cannot be finished: say so in its own way, and never end it as if it were whole."""
        if self.outcome.stream and self.family.events:
            self.answer.write(refusal.in_band(fault, self.family.name, self.family.events))
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
