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
from backends.peek import BadBody, Peek, peek
from gateway import asking, clock, headers, nowhere, refusal
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
        "_attempt", "_catalog", "_gateway", "_headers", "_incoming", "_key", "_machine", "_model",
        "_timer", "answer", "deadline", "family", "max_body", "outcome", "refused",
    )  # fmt: skip

    def __init__(
        self,
        gateway: "Gateway",
        family: Family,
        given: Mapping[bytes, bytes],
        caller: Caller,
        answer: Answer,
        now: float,
    ) -> None:
        self._gateway, self._catalog = gateway, gateway.catalog
        self._headers = given
        self._attempt: Attempt | None = None
        self._machine: Machine | None = None
        self._timer: asyncio.TimerHandle | None = None
        self.family, self.answer = family, answer
        self.outcome = Outcome(headers.request_id(given), family.name, now)
        self.refused: Refusal | None = self._admit(caller)
        if self.refused is None:  # what is refused must not count, or strangers could fill the place up
            gateway.journeys.add(self)

    def _admit(self, caller: Caller) -> Refusal | None:
        """Whether it may come in: asked before its body is read."""
        key = caller.identify(self._catalog.keys, self._headers)
        if isinstance(key, Refusal):
            return key
        self._key, self.outcome.key = key, key.name
        server = self._catalog.config.server
        self.max_body = server.max_body
        return headers.over_limit(self._headers, len(self._gateway.journeys), server)

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
        if self._attempt is not None:
            self._attempt.cancel()
            self._account(self._attempt, fault)

    # The one attempt loop

    def _serve(self, body: bytes) -> None:
        outcome, gateway = self.outcome, self._gateway
        try:
            peeked = peek(self.family, body, self._headers.get(b"content-type", b""))
            seed = clock.seed()
            ordinary = peeked.steering is None and not self._catalog.routes
            model = self._catalog.find(peeked.model, self._key) if ordinary else self._find(peeked, body, seed)
        except BadBody as problem:
            self._refuse(Refusal(400, str(problem), param=problem.param))
            return
        if isinstance(model, Refusal):
            self._refuse(model)
            return
        outcome.model, outcome.stream = model.name, peeked.stream
        live, now = gateway.live, outcome.received
        tokens, turn = live.estimate(model.name, len(body)), next(live.turns[model.name])
        request = Request(self.family.name, model.name, peeked.stream, body, tokens, now, seed, turn)
        if model.needs:
            request = asking.filled(request, model, self._key, self._headers, live)
        self.deadline = now + model.total
        self._incoming = Incoming(request, self.family, peeked, headers.forwarded(self._headers, outcome.id))
        self._model, seen = model, Snapshot(now, self._catalog.models)
        if self._catalog.explains:
            gateway.decisions.note(request, model, seen, outcome, self._key, self._headers, self._catalog)
        candidate = first(request, model, seen)
        if candidate is not None:
            self._begin(candidate, model, now)
        else:
            self._act(self._decide(None).start(seen))

    def _decide(self, begun: Candidate | None) -> Machine:
        """The machine that says what follows; made when something is to follow, which is rare."""
        if self._machine is None:
            request = self._incoming.request
            self._machine = Machine(request, self._model, self._catalog.retry, self.deadline, begun)
        return self._machine

    def _find(self, peeked: Peek, body: bytes, seed: int) -> Model | Refusal:
        """Where the request goes, by routes and by its own steering."""
        asked = asking.asked(self._catalog, self._gateway.live, self._key, self._headers, peeked, body, seed)
        if isinstance(asked, Refusal):
            return asked
        self.outcome.route = asked.route
        if asked.mirror:
            self._gateway.mirror(self._catalog, self.family, self._headers, self._key, body, asked.mirror)
        return asked.model

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
            self._act(self._machine.resume(Snapshot(clock.now(), self._catalog.models)))
        except Exception:
            self._crashed()

    def _begin(self, candidate: Candidate, model: Model, now: float) -> None:
        """Send an attempt; it is counted before anything else can happen."""
        gateway, outcome, incoming = self._gateway, self.outcome, self._incoming
        outcome.attempts += 1
        outcome.deployment, outcome.endpoint = candidate.id
        limits = model.timeouts[candidate.id[0]]
        attempt = Attempt(self, candidate, limits, self._catalog.adapters[candidate.id], incoming, now)
        self._attempt, request = attempt, incoming.request
        gateway.live.enter(candidate, request.prompt_tokens, request.family, now)
        if request.blocks:
            gateway.live.hold(candidate, request, now)
        gateway.watch.add(attempt)
        attempt.send(gateway.transport, gateway.live)

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
            live, request, candidate = self._gateway.live, self._incoming.request, attempt.candidate
            live.learn(request.model, 0 if self.family.form else len(request.body), self.outcome.usage.prompt)
            if candidate.load.speed is not None or candidate.pool.rates is not None or request.blocks:
                live.answered(candidate, request, self.outcome.usage, attempt.sent_at, now)
            self._conclude(None)
        elif attempt.committed:
            self._break(fault)
        else:
            self._follow(attempt.candidate, fault, Snapshot(now, self._catalog.models))

    def _follow(self, begun: Candidate, fault: Fault, seen: Snapshot) -> None:
        try:
            self._act(self._decide(begun).failed(fault, Progress.UNCOMMITTED, seen))
        except Exception:
            self._crashed()

    def _account(self, attempt: Attempt, fault: Fault | None) -> float:
        """Give back what the attempt held, and tell what it says of its endpoint; when that was."""
        self._attempt = None
        gateway, request, candidate, now = self._gateway, self._incoming.request, attempt.candidate, clock.now()
        gateway.watch.discard(attempt)
        gateway.live.leave(candidate, request)
        if fault is not None or candidate.load.breakers:
            gateway.live.observe(candidate, request.family, fault, now)
        gateway.metrics.attempt((candidate.id, request.family, fault))
        if fault is not None:
            self.outcome.tried += (self.outcome.deployment,)
            if not attempt.committed:
                self.outcome.waited += now - attempt.started
                gateway.live.failed(candidate, request, fault, attempt.patience, now)
        return now

    # What a client sees

    def _commit(self, attempt: Attempt, status: int) -> None:
        outcome, now = self.outcome, attempt.first_at
        waited = now - attempt.sent_at
        outcome.status, outcome.first_token = status, now
        outcome.waited += waited
        self._gateway.live.committed(attempt.candidate, self._incoming.request, waited, now)

    def _lines(self, content_type: bytes) -> bytes:
        return headers.answered(self.outcome, content_type, self._headers, self._catalog.config.server.cors)

    def _refuse(self, refused: Refusal, fault: Fault | None = None) -> None:
        self.outcome.status = refused.status
        lines = self._lines(b"application/json") + refused.lines()
        self.answer.whole(refused.status, lines, refused.body(self.family.name))
        self._conclude(fault)

    def _give_up(self, action: GiveUp) -> None:
        fault, count = nowhere.told(action.fault, self._incoming.request, self._catalog.models)
        if count is None and not refusal.passes_on(fault):
            self._refuse(refusal.of_fault(fault, self.outcome.tried, action.retry_after), fault)
            return
        self.outcome.status, body, lines = nowhere.answered(fault, count)
        self.answer.whole(self.outcome.status, self._lines(fault.content_type) + lines, body)
        self._conclude(fault if count is None else None)

    def _break(self, fault: Fault) -> None:
        """A committed answer cannot be finished: say so in its own way, and never end it as if it were whole."""
        if self.outcome.stream and self.family.events:
            self.answer.write(refusal.in_band(fault, self.family.name, self.family.events))
            self.answer.end()
        else:
            self.answer.abort()
        self._conclude(fault)

    def _conclude(self, fault: Fault | None) -> None:
        """Record what became of it, once, on every path."""
        outcome = self.outcome
        outcome.fault = fault
        outcome.finished = clock.now()
        self._gateway.journeys.discard(self)
        self._gateway.record(outcome)

    def _crashed(self) -> None:
        """The outermost frame of our own code: a defect costs this request and a traceback in the log, no more."""
        self._gateway.log.event("error", "defect", traceback.format_exc())
        if not self.outcome.finished:
            self._drop(_DEFECT)
            self._refuse(Refusal(500, _DEFECT.message, "server_error", "internal_error"))
