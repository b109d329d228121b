"""The journey of a request. Rule: every door and endpoint family goes through this; the loop closes here only.

    admit -> decode -> plan -> attempt -> (failure -> machine -> plan -> attempt)* -> outcome

From the last body byte to the upstream write is one synchronous tick, and no task runs in between: a journey is moved
by its door (run, leave, stop) and by its attempt (start, whole, settled).
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
from gateway.keys import Caller
from gateway.refusal import Refusal
from policies.failure import Failure, Fault, Progress
from policies.machine import Action, GiveUp, Machine, Start, first
from policies.types import Candidate, Model, Outcome, Request, Snapshot, Usage

if TYPE_CHECKING:
    from gateway.gateway import Gateway

_CANCELLED = Fault(Failure.CANCELLED, "the client left")
_DEFECT = Fault(Failure.CANCELLED, "the gateway failed on this request")
_STOPPING = Fault(Failure.NO_ENDPOINT, "the gateway is stopping; ask again")


class Journey:
    """One request, from its headers on. A door makes it when the headers are read, and runs it when the body is."""

    __slots__ = (
        "_attempt",
        "_catalog",
        "_gateway",
        "_headers",
        "_incoming",
        "_key",
        "_machine",
        "_model",
        "_timer",
        "answer",
        "deadline",
        "family",
        "max_body",
        "outcome",
        "refused",
    )

    def __init__(
        self,
        gateway: "Gateway",
        family: Family,
        given: Mapping[bytes, bytes],
        caller: Caller,
        answer: Answer,
        received: float,
    ) -> None:
        self._gateway = gateway
        self._catalog = catalog = gateway.catalog
        self._headers = given
        self._attempt: Attempt | None = None
        self._machine: Machine | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.family = family
        self.answer = answer
        self.deadline = float("inf")
        self.outcome = Outcome(headers.request_id(given), family.name, received)
        self.max_body = catalog.config.server.max_body
        self.refused: Refusal | None  # told before the body is read
        key = caller.identify(catalog.keys, given)
        if isinstance(key, Refusal):
            self.refused = key
            return
        self._key, self.outcome.key = key, key.name
        self.refused = headers.over_limit(given, len(gateway.journeys), catalog.config.server)
        if self.refused is None:  # what is refused must not count, or strangers could fill the place up
            gateway.journeys.add(self)

    def over_limit(self, size: int) -> bool:
        """A body has grown to ``size`` bytes; True: it is refused."""
        if size > self.max_body:
            self.refused = headers.body_too_large(self.max_body)
        return size > self.max_body

    # Moved by the door

    def run(self, body: bytes, received: float) -> None:
        """The body is here, since ``received`` (monotonic seconds): serve it."""
        self.outcome.received = received
        if self.refused is not None:
            self._refuse(self.refused)
            return
        try:
            self._serve(body)
        except Exception:
            self._crashed()

    def leave(self) -> None:
        """The client is gone: whatever was going on for it stops at once."""
        if self.outcome.finished:
            return
        self._drop(_CANCELLED)
        self.outcome.status = _CANCELLED.failure.status
        self._conclude(_CANCELLED)

    def stop(self) -> None:
        """The process must end: tell the client, in its stream if need be."""
        attempt = self._attempt
        self._drop(_STOPPING)
        if attempt is not None and attempt.committed:
            self._break(_STOPPING)
        else:
            self._refuse(Refusal(503, _STOPPING.message, "server_error", "stopping", retry_after=1.0))

    def _drop(self, fault: Fault) -> None:
        if self._timer is not None:
            self._timer.cancel()
        attempt = self._attempt
        if attempt is not None:
            attempt.cancel()
            self._account(attempt, fault)

    # The one attempt loop

    def _serve(self, body: bytes) -> None:
        outcome, gateway = self.outcome, self._gateway
        try:
            peeked = peek(self.family, body, self._headers.get(b"content-type", b""))
        except BadBody as problem:
            self._refuse(Refusal(400, str(problem), param=problem.param))
            return
        model = self._catalog.find(peeked.model, self._key)
        if isinstance(model, Refusal):
            self._refuse(model)
            return
        outcome.model, outcome.stream = model.name, peeked.stream
        live, now = gateway.live, outcome.received
        tokens, turn = live.estimate(model.name, len(body)), next(live.turns[model.name])
        request = Request(self.family.name, model.name, peeked.stream, body, tokens, now, clock.seed(), turn)
        self.deadline = now + model.total
        self._incoming = Incoming(request, self.family, peeked, headers.forwarded(self._headers, outcome.id))
        self._model = model
        candidate = first(request, model, Snapshot(now, self._catalog.models))
        if candidate is not None:
            self._begin(candidate, model, now)
        else:
            self._act(self._decide(None).start(self._snapshot()))

    def _decide(self, begun: Candidate | None) -> Machine:
        """The machine that says what follows; made when something is to follow, which is rare."""
        if self._machine is None:
            rules = self._catalog.retry
            self._machine = Machine(self._incoming.request, self._model, rules, self.deadline, begun)
        return self._machine

    def _act(self, action: Action) -> None:
        if isinstance(action, Start):
            self._begin(action.candidate, action.model, clock.now())
        elif isinstance(action, GiveUp):
            self._give_up(action)
        else:
            self._timer = asyncio.get_running_loop().call_later(action.seconds, self._resume, action.seconds)

    def _resume(self, waited: float) -> None:
        assert self._machine is not None
        self.outcome.waited += waited
        try:
            self._act(self._machine.resume(self._snapshot()))
        except Exception:
            self._crashed()

    def _snapshot(self) -> Snapshot:
        return Snapshot(clock.now(), self._catalog.models)

    def _begin(self, candidate: Candidate, model: Model, now: float) -> None:
        """Send an attempt; it is counted before anything else can happen."""
        gateway, outcome, incoming = self._gateway, self.outcome, self._incoming
        outcome.attempts += 1
        outcome.deployment, outcome.endpoint = candidate.id
        limits = model.timeouts[candidate.id[0]]
        attempt = Attempt(self, candidate, limits, self._catalog.adapters[candidate.id], incoming, now)
        self._attempt = attempt
        gateway.live.enter(candidate, incoming.request.prompt_tokens, incoming.request.family, now)
        gateway.watch.add(attempt)
        attempt.send(gateway.transport)

    # Moved by the attempt

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

    def settled(self, attempt: Attempt, fault: Fault | None) -> None:
        """An attempt is over: answered whole, broken after its commit, or to be followed by another."""
        now = self._account(attempt, fault)
        if fault is None:
            prompt = self.outcome.usage.prompt
            if prompt and not self.family.form:
                self._gateway.live.learn(self.outcome.model, len(self._incoming.request.body), prompt)
            self._conclude(None, now)
        elif attempt.committed:
            self._break(fault)
        else:
            self._follow(attempt.candidate, fault)

    def _follow(self, begun: Candidate, fault: Fault) -> None:
        try:
            self._act(self._decide(begun).failed(fault, Progress.UNCOMMITTED, self._snapshot()))
        except Exception:
            self._crashed()

    def _account(self, attempt: Attempt, fault: Fault | None) -> float:
        """Give back what the attempt held, and tell what it says of its endpoint; when that was."""
        self._attempt = None
        gateway, request, candidate = self._gateway, self._incoming.request, attempt.candidate
        now = clock.now()
        gateway.watch.discard(attempt)
        gateway.live.leave(candidate, request.prompt_tokens)
        if fault is not None or candidate.load.breakers:
            gateway.live.observe(candidate, request.family, fault, now)
        gateway.metrics.attempt((candidate.id, request.family, fault))
        if fault is not None:
            outcome = self.outcome
            outcome.tried += (outcome.deployment,)
            if not attempt.committed:
                outcome.waited += now - attempt.started
        return now

    # What a client sees

    def _commit(self, attempt: Attempt, status: int) -> None:
        outcome = self.outcome
        outcome.status = status
        outcome.first_token = attempt.first_at
        outcome.waited += attempt.first_at - attempt.sent_at
        if attempt.candidate.load.breakers:
            self._gateway.live.prove(attempt.candidate, self.family.name, attempt.first_at)

    def _lines(self, content_type: bytes) -> bytes:
        lines = headers.told(self.outcome, content_type, clock.now())
        allowed = self._catalog.config.server.cors
        return lines + headers.cors(self._headers, allowed) if allowed else lines

    def _refuse(self, refused: Refusal, fault: Fault | None = None) -> None:
        self.outcome.status = refused.status
        lines = self._lines(b"application/json") + refused.lines()
        self.answer.whole(refused.status, lines, refused.body(self.family.name))
        self._conclude(fault)

    def _give_up(self, action: GiveUp) -> None:
        fault = action.fault
        if not refusal.passes_on(fault):
            self._refuse(refusal.of_fault(fault, self.outcome.tried, action.retry_after), fault)
            return
        self.outcome.status = fault.status
        self.answer.whole(fault.status, self._lines(fault.content_type), fault.body)
        self._conclude(fault)

    def _break(self, fault: Fault) -> None:
        """A committed answer cannot be finished: say so in its own way, and never end it as if it were whole."""
        if self.outcome.stream and self.family.events:
            self.answer.write(refusal.in_band(fault, self.family.name, self.family.events))
            self.answer.end()
        else:
            self.answer.abort()
        self._conclude(fault)

    def _conclude(self, fault: Fault | None, now: float | None = None) -> None:
        """Record what became of it, once, on every path."""
        outcome = self.outcome
        outcome.fault = fault
        outcome.finished = now or clock.now()
        self._gateway.journeys.discard(self)
        self._gateway.record(outcome)

    def _crashed(self) -> None:
        """The outermost frame of our own code: a defect costs this request and a traceback in the log, no more."""
        self._gateway.log.event("error", "defect", traceback.format_exc())
        if not self.outcome.finished:
            self._drop(_DEFECT)
            self._refuse(Refusal(500, _DEFECT.message, "server_error", "internal_error"))
