"""The journey of a request. Rule: every door and endpoint family goes through this; the loop closes here only.

    admit -> decode -> plan -> attempt -> (failure -> machine -> plan -> attempt)* -> outcome

From the last body byte to the upstream write is one synchronous tick.
"""

import asyncio
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING

from backends.adapter import Incoming
from backends.families import Family
from backends.peek import BadBody, peek
from gateway import clock, headers, refusal
from gateway.answer import Answer
from gateway.attempt import Attempt
from gateway.keys import Key
from gateway.refusal import Refusal
from policies.failure import Failure, Fault, Progress
from policies.machine import Action, GiveUp, Machine, Start, Wait
from policies.types import Model, Outcome, Request, Snapshot, Usage

if TYPE_CHECKING:
    from gateway.gateway import Gateway

_CANCELLED = Fault(Failure.CANCELLED, "the client left")
_STOPPING = Fault(Failure.SHED, "the gateway is stopping; ask again")


class Journey:
    """One request, from its headers on. A door makes it when the headers are read, and runs it when the body is."""

    __slots__ = (
        "_active",
        "_attempt",
        "_catalog",
        "_gateway",
        "_headers",
        "_key",
        "_machine",
        "answer",
        "deadline",
        "family",
        "outcome",
        "refused",
    )

    def __init__(
        self, gateway: "Gateway", family: Family, given: Mapping[bytes, bytes], client: str, answer: Answer
    ) -> None:
        self._gateway = gateway
        self._catalog = gateway.catalog
        self._headers = given
        self._attempt: Attempt | None = None
        self._machine: Machine | None = None
        self._key: Key | None = None
        self._active = False
        self.family = family
        self.answer = answer
        self.deadline = float("inf")
        self.outcome = Outcome(headers.request_id(given), family.name, clock.now())
        self.refused: Refusal | None = self._admit(client)

    def _admit(self, client: str) -> Refusal | None:
        """Whether it may come in: asked before its body is read. A place is held from here to the outcome."""
        key = self._catalog.keys.identify(self._headers, client)
        if isinstance(key, Refusal):
            return key
        self._key = key
        self.outcome.key = key.name
        server = self._catalog.config.server
        too_large = headers.too_large(self._headers, server.max_body)
        if too_large is not None:
            return too_large
        gateway = self._gateway
        if gateway.live.active >= server.max_concurrency:
            return headers.too_many(server.max_concurrency)
        gateway.live.active += 1
        self._active = True
        return None

    async def run(self, body: bytes) -> None:
        """Serve it. Cancelled when the client leaves (or the process must): the upstream is dropped at once."""
        self.outcome.received = clock.now()
        try:
            if self.refused is None:
                await self._serve(body)
            else:
                self._refuse(self.refused)
        except asyncio.CancelledError:
            self._left()
        except Exception:
            self._crashed()
        finally:
            self._conclude()

    def over_limit(self, size: int) -> bool:
        """A body of no declared length has grown to ``size`` bytes; True: it is refused."""
        limit = self._catalog.config.server.max_body
        if size > limit:
            self.refused = headers.body_too_large(limit)
        return size > limit

    def abandon(self) -> None:
        """The client left before its request was whole."""
        if not self.outcome.finished:
            self.outcome.fault, self.outcome.status = _CANCELLED, _CANCELLED.failure.status
            self._conclude()

    def _conclude(self) -> None:
        """Record what became of it, once, on every path."""
        if self._active:
            self._active = False
            self._gateway.live.active -= 1
        self.outcome.finished = clock.now()
        self._gateway.record(self.outcome)

    async def _serve(self, body: bytes) -> None:
        outcome, catalog = self.outcome, self._catalog
        try:
            peeked = peek(self.family, body, self._headers.get(b"content-type", b""))
        except BadBody as problem:
            self._refuse(Refusal(400, str(problem), param=problem.param))
            return
        model = self._find(peeked.model)
        if model is None:
            return
        outcome.model, outcome.stream = model.name, peeked.stream
        gateway = self._gateway
        tokens = gateway.live.estimate(model.name, len(body))
        request = Request(
            self.family.name,
            model.name,
            peeked.stream,
            body,
            tokens,
            outcome.received,
            clock.seed(),
            gateway.next_sequence(),
        )
        self.deadline = outcome.received + model.total
        self._machine = Machine(request, model, catalog.retry, self.deadline)
        incoming = Incoming(request, self.family, peeked, headers.forwarded(self._headers, outcome.id))
        await self._attempts(incoming, self._machine)

    def _find(self, name: str) -> Model | None:
        """The model, or None when the client was told why not."""
        model = self._catalog.model(name)
        assert self._key is not None
        if model is None:
            self._refuse(Refusal(404, f"the model '{name}' does not exist", code="model_not_found", param="model"))
            return None
        if not self._key.allows(name):
            self._refuse(
                Refusal(403, f"this key may not use the model '{name}'", code="model_not_allowed", param="model")
            )
            return None
        return model

    async def _attempts(self, incoming: Incoming, machine: Machine) -> None:
        """The one attempt loop."""
        action: Action = machine.start(self._snapshot())
        while True:
            if isinstance(action, GiveUp):
                self._give_up(action)
                return
            if isinstance(action, Wait):
                await asyncio.sleep(action.seconds)
                action = machine.resume(self._snapshot())
                continue
            fault = await self._try(action, incoming)
            if fault is None:
                return
            attempt = self._attempt
            if attempt is not None and attempt.committed:
                self._break(fault)
                return
            action = machine.failed(fault, Progress.UNCOMMITTED, self._snapshot())

    def _snapshot(self) -> Snapshot:
        return Snapshot(clock.now(), self._catalog.models)

    async def _try(self, start: Start, incoming: Incoming) -> Fault | None:
        """One attempt, counted from before it is sent until after it has settled."""
        gateway, outcome, candidate = self._gateway, self.outcome, start.candidate
        tokens, family = incoming.request.prompt_tokens, self.family.name
        outcome.attempts += 1
        outcome.deployment, outcome.endpoint = candidate.id
        attempt = self._attempt = Attempt(self, candidate, start.model.timeouts[candidate.id[0]])
        gateway.live.enter(candidate, tokens, family, attempt.started)
        gateway.watch.add(attempt)
        fault: Fault | None = _CANCELLED
        try:
            await attempt.run(gateway.transport, self._catalog.adapters[candidate.id], incoming)
            fault = attempt.result
        finally:
            gateway.watch.discard(attempt)
            gateway.live.leave(candidate, tokens)
            now = clock.now()
            gateway.live.observe(candidate, family, fault, now)
            gateway.metrics.attempt(candidate.id, family, fault)
            if fault is not None:
                outcome.waited += now - attempt.started
                outcome.tried += (candidate.id[0],)
        usage = outcome.usage
        if usage.prompt and not self.family.form:
            gateway.live.learn(outcome.model, len(incoming.request.body), usage.prompt)
        return fault

    # What a client sees. The attempt calls the first two in the tick in which it commits.

    def start(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], first: bytes) -> None:
        """The first content of a streamed answer."""
        self._commit(attempt, status)
        self.answer.flow = attempt
        lines = self._lines(upstream.get(b"content-type", b"")) + headers.passed_back(upstream)
        self.answer.start(status, lines + headers.STREAMED, first)

    def whole(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], body: bytes, usage: Usage) -> None:
        """A whole answer."""
        self._commit(attempt, status)
        lines = self._lines(upstream.get(b"content-type", b"application/json")) + headers.passed_back(upstream)
        price = attempt.candidate.deployment.price
        if price is not None and usage.source == "upstream":
            lines += b"x-cloverleaf-cost-usd: %.8f\r\n" % usage.cost(price)
        self.answer.whole(status, lines, body)

    def _commit(self, attempt: Attempt, status: int) -> None:
        outcome = self.outcome
        outcome.status = status
        outcome.first_token = attempt.first_at
        outcome.waited += attempt.first_at - attempt.sent_at

    def _lines(self, content_type: bytes) -> bytes:
        outcome = self.outcome
        lines = (
            b"content-type: %b\r\nx-request-id: %b\r\nx-cloverleaf-attempts: %d\r\nx-cloverleaf-overhead-ms: %.3f\r\n"
            % (
                content_type,
                outcome.id,
                outcome.attempts,
                (clock.now() - outcome.received - outcome.waited) * 1000,
            )
        )
        if outcome.deployment:
            lines += b"x-cloverleaf-deployment: %b\r\n" % outcome.deployment.encode()
        allowed = self._catalog.config.server.cors
        return lines + headers.cors(self._headers, allowed) if allowed else lines

    def _refuse(self, refused: Refusal) -> None:
        self.outcome.status = refused.status
        lines = self._lines(b"application/json") + refused.lines()
        self.answer.whole(refused.status, lines, refused.body(self.family.name))

    def _give_up(self, action: GiveUp) -> None:
        fault = self.outcome.fault = action.fault
        if refusal.passes_on(fault):
            self.outcome.status = fault.status
            self.answer.whole(fault.status, self._lines(fault.content_type), fault.body)
        else:
            self._refuse(refusal.of_fault(fault, self.outcome.tried, action.retry_after))

    def _break(self, fault: Fault) -> None:
        """A committed answer cannot be finished: say so in its own way, and never end it as if it were whole."""
        self.outcome.fault = fault
        if self.outcome.stream and self.family.events:
            self.answer.write(refusal.in_band(fault, self.family.name, self.family.events))
            self.answer.end()
        else:
            self.answer.abort()

    def _left(self) -> None:
        """Cancelled: by the client's leaving, or because this process must end."""
        if self.answer.gone:
            self.outcome.fault, self.outcome.status = _CANCELLED, _CANCELLED.failure.status
        elif self._attempt is not None and self._attempt.committed:
            self._break(_STOPPING)
        else:
            self.outcome.fault = _STOPPING
            self._refuse(Refusal(503, _STOPPING.message, "server_error", "stopping", retry_after=1.0))

    def _crashed(self) -> None:
        """A defect of ours: the traceback is for the log, the client learns only that it was not its fault."""
        self._gateway.log.event("error", "defect", traceback.format_exc())
        if self._attempt is not None and self._attempt.committed:
            self.answer.abort()
        else:
            self._refuse(Refusal(500, "the gateway failed on this request", "server_error", "internal_error"))
