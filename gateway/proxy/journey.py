"""The journey of one request, the same for every listener and endpoint family, from its headers to its outcome.

From the last body byte to the upstream write is one synchronous tick, and no task runs in between: a journey is moved
by its listener (run, leave, stop) and its attempt (start, whole, silent, settled).
"""

# compiled

from collections.abc import Mapping
from typing import TYPE_CHECKING

from backends.contract.adapter import Incoming
from backends.contract.facts import Facts
from backends.contract.peek import BadBody, peek
from backends.recover.transcript import TranscriptRecorder
from gateway import clock
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import LOCAL, Caller
from gateway.proxy import headers, model_resolution
from gateway.proxy.attempt import Attempt
from gateway.proxy.attempt_usage import charge
from gateway.proxy.hedging import Hedging
from gateway.proxy.request_head import RequestHead
from gateway.proxy.responding import Telling
from gateway.proxy.response_writer import ResponseWriter
from gateway.proxy.stream_recovery import StreamRecovery, received
from policies.attempts.machine import Action, GiveUp, Machine, Start, first
from policies.attempts.outcome import Outcome
from policies.load.candidate import Candidate
from policies.selection.model import Model, Snapshot
from policies.vocabulary.failure import Failure, Fault, Progress
from policies.vocabulary.types import Request, Usage

if TYPE_CHECKING:
    from gateway.proxy.context import Gateway


class Journey(Telling):
    """One request, from its headers on. A door begins it when the headers are read, and runs it when the body is."""

    __slots__ = ("_attempt", "_keeper", "_key", "_machine", "_model", "_rivals", "deadline")

    def __init__(self, gateway: "Gateway", preamble: RequestHead, answer: ResponseWriter, outcome: Outcome) -> None:
        super().__init__(gateway, preamble, answer, outcome)
        self.deadline, self._key = 0.0, LOCAL
        self._model: Model = None  # type: ignore[assignment]  # from its decoding on
        self._attempt: Attempt | None = None
        self._machine: Machine | None = None
        self._keeper: TranscriptRecorder | None = None  # what the client was sent, where a stream may be recovered
        self._rivals: Hedging | None = None  # where a second attempt may be made

    @classmethod
    def begin(
        cls, gateway: "Gateway", preamble: RequestHead, caller: Caller, answer: ResponseWriter, now: float
    ) -> "Journey":
        """Whether it may come in is asked before its body is read."""
        outcome = Outcome(preamble.id or gateway.new_id(), preamble.family.name, now)
        journey = cls(gateway, preamble, answer, outcome)
        key = preamble.identify(journey.catalog.keys, caller)
        if isinstance(key, ErrorResponse):
            journey.refused = key
            return journey
        journey._key, outcome.key = key, key.name
        server, journeys = journey.catalog.config.server, gateway.journeys
        journey.max_body = server.max_body
        if 0 <= preamble.length <= server.max_body and len(journeys) < server.max_concurrency:
            journeys.add(journey)  # what is refused must not count, or strangers could fill the place up
        else:
            journey.refused = headers.over_limit(len(journeys), server)
        return journey

    def run(self, body: bytes, received: float) -> None:
        """The body is here, since ``received`` (monotonic seconds): serve it."""
        self.outcome.received = received
        if self.gateway.tracer is not None:
            self.gateway.tracer.begin(self.outcome, self.given)
        if self.refused is not None:
            self.refuse(self.refused)
            return
        try:
            self._serve(body, received)
        except Exception:
            self._crashed()

    def _drop(self, fault: Fault) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self.gateway.line.leave(self)
        if self._rivals is not None:
            self._rivals.stop()
            self._rivals = None
        attempt = self._attempt
        if attempt is not None:
            attempt.cancel()
            self.account(attempt, fault)
        if self._keeper is not None and self.outcome.broken:
            self.outcome.usage = received(self._keeper, attempt, self.incoming.request.prompt_tokens)

    # The one attempt loop

    def _serve(self, body: bytes, now: float) -> None:
        outcome, gateway, catalog, family = self.outcome, self.gateway, self.catalog, self.family
        try:
            facts = peek(family, body, self.given.get(b"content-type", b"") if family.form else b"")
            seed, name = clock.seed(), facts.model
            ordinary = facts.steering is None and not catalog.routes
            model = catalog.find(name, self._key) if ordinary else self._find(facts, seed)
        except BadBody as problem:
            self.refuse(ErrorResponse(400, str(problem), param=problem.param))
            return
        if isinstance(model, ErrorResponse):
            self.refuse(model)
            return
        live, name = gateway.live, model.name
        outcome.model, outcome.stream = name, facts.stream
        tokens, turn = live.estimates.estimate(name, len(body)), next(live.turns[name])
        request = Request(family.name, name, facts.stream, tokens, now, seed, turn)
        if model.needs:
            request = model_resolution.filled(request, facts, model, self._key, self.given, live)
            outcome.asked = request
        self.deadline, self._model = now + model.total, model
        self.incoming = Incoming(request, facts, self.preamble.forwarded, outcome.id)
        if not (model.needs and gateway.token_counts.begin(self, live.estimates.uncertain(request, model))):
            self.go(request, now)

    def go(self, request: Request, now: float) -> None:
        """All is known of the request: plan, and send it."""
        model, catalog, outcome = self._model, self.catalog, self.outcome
        seen = Snapshot(now, catalog.models, self.gateway.tiers)
        if catalog.hedges:
            self._rivals = Hedging(self)
        if catalog.explains:
            self.gateway.decisions.note(request, model, seen, outcome, self._key, self.given, catalog)
        outcome.seed = request.seed
        found = first(request, model, seen)
        outcome.policy, outcome.signal = model.policy.kind, found.signal or ""
        if found.candidate is not None:
            self._begin(found.candidate, model, now)
        else:
            self._act(self._decide(None).start(seen))

    def _find(self, facts: Facts, seed: int) -> Model | ErrorResponse:
        """Where the request goes, by routes and by its own steering."""
        asked = model_resolution.asked(self.catalog, self.gateway.live, self._key, self.given, facts, seed)
        if isinstance(asked, ErrorResponse):
            return asked
        self.outcome.route = asked.route
        if asked.mirror:
            self.gateway.mirror(self.catalog, self.family, self.given, self._key, facts.body, asked.mirror)
        return asked.model

    def _decide(self, begun: Candidate | None) -> Machine:
        """The machine that says what follows; made when something is to follow, which is rare."""
        if self._machine is None:
            self._machine = Machine(self.incoming.request, self._model, self.catalog.retry, self.deadline, begun)
        return self._machine

    def _act(self, action: Action) -> None:
        if isinstance(action, Start):
            now = clock.now()
            self.outcome.follow(action.model.name, action.candidate.id[0], action.signal, now)
            self._begin(action.candidate, action.model, now)
        elif isinstance(action, GiveUp):
            self.settle_for(action)
        else:
            self.later(action.seconds, self._resume, action.seconds)

    def settle_for(self, action: GiveUp) -> None:
        """Nothing can be tried now: wait for a place, or for a second attempt under way, or tell the client."""
        if action.fault.failure is Failure.SHED:
            refused = self.gateway.line.join(self, self._model, model_resolution.turn(self.incoming.facts, self._key))
            if refused is None:
                return
            action = refused
        if self._rivals is None or not self._rivals.gave_up(action):
            self._rivals = None
            self.give_up(action)

    def _resume(self, waited: float) -> None:
        self.outcome.waited += waited
        self._act(self._decide(None).resume(self.snapshot(clock.now())))

    def admit(self, waited: float) -> bool:
        """A place may be free after ``waited`` seconds in line; False: it is not."""
        action = self._decide(None).resume(self.snapshot(clock.now()))
        if isinstance(action, GiveUp) and action.fault.failure is Failure.SHED:
            return False
        self.outcome.queued += waited
        self.outcome.waited += waited
        self.guarded(self._act, action)
        return True

    def snapshot(self, now: float) -> Snapshot:
        return Snapshot(now, self.catalog.models, self.gateway.tiers)

    def _begin(self, candidate: Candidate, model: Model, now: float) -> None:
        self._model, outcome, catalog, id = model, self.outcome, self.catalog, candidate.id
        adapter = catalog.adapter(candidate, model) if model.hold_calls else catalog.adapters[id]
        outcome.attempts += 1
        outcome.deployment, outcome.endpoint = id
        self._attempt = attempt = Attempt(self, candidate, model.timeouts[id[0]], adapter, self.incoming, now)
        if self._rivals is not None:
            self._rivals.begun(attempt, model)
        attempt.send(self.gateway)

    def send(self, attempt: Attempt) -> None:
        """A rescue's attempt is the one that counts now: start it."""
        self.outcome.attempts += 1
        self._count_on(attempt, "recovery")
        attempt.send(self.gateway)

    def start(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], first: bytes) -> None:
        """The first content of a streamed answer."""
        if self._rivals is not None:
            self._outrun(self._rivals, attempt)
        if self._model.recovery is not None and self.family.events == "openai":
            self._keeper = TranscriptRecorder(self.answer.write)
            self._keeper.keep(first)
            attempt.write = self._keeper.write
        self._commit(attempt, status)
        self.answer.flow = attempt
        lines = self._lines(upstream.get(b"content-type", b"")) + headers.passed_back(upstream)
        self.answer.start(status, lines + headers.STREAMED, first)

    def whole(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], body: bytes, usage: Usage) -> None:
        """A whole answer."""
        if self._rivals is not None:
            self._outrun(self._rivals, attempt)
        self._commit(attempt, status)
        content_type, allowed = upstream.get(b"content-type", b"application/json"), self.catalog.config.server.cors
        lines = headers.answered(self.outcome, content_type, self.given, allowed)
        if not headers.ORDINARY.issuperset(upstream):
            lines += headers.passed_back(upstream)
        price = attempt.candidate.deployment.price
        if price is not None and usage.source == "upstream":
            lines += b"x-cloverleaf-cost-usd: %.8f\r\n" % usage.cost(price)
        self.answer.whole(status, lines, body)

    def _outrun(self, rivals: Hedging, attempt: Attempt) -> None:
        rivals.committed(attempt)
        self._rivals = None  # which holds this journey: a cycle would be left to the garbage collector

    def silent(self, attempt: Attempt, fault: Fault) -> bool:
        """The first token is late (timeouts.ttft): whether the attempt is kept while the next one is tried."""
        if self._rivals is None or not self._rivals.keep(attempt, fault):
            return False
        self._attempt = None
        self._follow(attempt.candidate, fault)
        return True

    def settled(self, attempt: Attempt, fault: Fault | None) -> None:
        """An attempt is over: answered whole, broken after its commit, or to be followed by another."""
        try:
            if fault is None:
                live, request, candidate = self.gateway.live, self.incoming.request, attempt.candidate
                size = 0 if self.family.form else len(self.incoming.facts.body)
                live.estimates.learn(request.model, size, self.outcome.usage.prompt)
                if candidate.load.speed is not None or candidate.pool.rates is not None or request.blocks:
                    self.gateway.counters.answered(candidate, request, self.outcome.usage, attempt.sent_at, clock.now())
                now = attempt.give_back(self.gateway, None)
                self._attempt = None
                self.conclude(None, now)
                return
            self.account(attempt, fault)
            if not attempt.committed:
                self._follow(attempt.candidate, fault)
            elif self._keeper is not None:
                StreamRecovery(self, self._model, self._keeper.all(), attempt, fault).begin()
            else:
                self.break_off(fault)
        except Exception:
            self._crashed()

    def _follow(self, begun: Candidate, fault: Fault) -> None:
        machine = self._decide(begun)
        second = self._rivals.failed() if self._rivals is not None else None
        if second is not None:
            machine.replaced(second.candidate)
            self.replace(second, "hedge")
        else:
            self.guarded(self._fail, machine, fault)

    def _fail(self, machine: Machine, fault: Fault) -> None:
        self._act(machine.failed(fault, Progress.UNCOMMITTED, self.snapshot(clock.now())))

    def replace(self, attempt: Attempt, reason: str) -> None:
        """A second attempt is the one that counts now."""
        if self._timer is not None:
            self._timer.cancel()
        self._count_on(attempt, reason)

    def _count_on(self, attempt: Attempt, reason: str) -> None:
        self._attempt, outcome = attempt, self.outcome
        outcome.deployment, outcome.endpoint = attempt.candidate.id
        outcome.reason, outcome.began = reason, attempt.started

    def account(self, attempt: Attempt, fault: Fault | None) -> None:
        """The one that counted is over."""
        self._attempt = None
        now = attempt.give_back(self.gateway, fault)
        if fault is not None:
            charge(self.outcome, attempt, self.incoming.request.prompt_tokens, fault, now)
