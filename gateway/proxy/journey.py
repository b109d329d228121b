"""The journey of one request, the same for every listener and endpoint family, from its headers to its outcome.

From the last body byte to the upstream write is one synchronous tick, and no task runs in between: a journey is moved
by its listener (run, leave, stop) and its attempt (start, whole, silent, settled).
"""

# compiled

import traceback
from collections.abc import Callable, Mapping
from typing import ClassVar

from backends.contract.adapter import Incoming
from backends.contract.facts import Facts
from backends.contract.peek import BadBody, peek
from backends.recover.transcript import TranscriptRecorder
from gateway import clock
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import LOCAL
from gateway.proxy import headers, model_resolution, responding
from gateway.proxy.attempt import Attempt
from gateway.proxy.attempt_usage import charge
from gateway.proxy.context import Gateway
from gateway.proxy.failover import Failover
from gateway.proxy.hedging import Hedging
from gateway.proxy.hold import Hold
from gateway.proxy.request_head import RequestHead
from gateway.proxy.response_writer import ResponseWriter
from gateway.proxy.stages import Passage
from gateway.proxy.stream_recovery import StreamRecovery, received
from policies.attempts.machine import GiveUp, first
from policies.attempts.outcome import Outcome
from policies.load.candidate import Candidate
from policies.selection.model import Model, Snapshot
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import Request, Usage


class Journey:
    """One request, from its headers on. A listener begins it when the headers are read, and runs it when the body is.

    ``given``: the client's headers; ``refused``: told in place of an answer, and before the body is read.
    """

    __slots__ = (
        "_attempt", "_failover", "_hedging", "_hold", "_transcript", "answer", "catalog", "deadline", "family",
        "gateway", "given", "head", "incoming", "key", "max_body", "model", "outcome", "refused",
    )  # fmt: skip

    queues: ClassVar[bool] = True
    incoming: Incoming  # from its decoding on
    model: Model  # from its decoding on: the one that serves it now

    def __init__(self, gateway: Gateway, head: RequestHead, answer: ResponseWriter, outcome: Outcome) -> None:
        self.gateway, self.catalog = gateway, gateway.catalog
        self.head, self.family, self.given = head, head.family, head.given
        self.answer, self.outcome = answer, outcome
        self.refused: ErrorResponse | None = None
        self.max_body, self.deadline, self.key = 0, 0.0, LOCAL  # bytes, monotonic seconds
        self._attempt: Attempt | None = None  # the one that counts
        self._hold: Hold | None = None
        self._failover: Failover | None = None
        self._hedging: Hedging | None = None  # where a second attempt may be made
        self._transcript: TranscriptRecorder | None = None  # what was sent, where a stream may be recovered

    def run(self, body: bytes, received: float) -> None:
        """The body is here, since ``received`` (monotonic seconds): serve it."""
        self.outcome.received = received
        if self.gateway.tracer is not None:
            self.gateway.tracer.begin(self.outcome, self.given)
        if self.refused is not None:
            responding.refuse(self, self.refused)
            return
        try:
            self._serve(body, received)
        except Exception:
            self._crashed()

    def _serve(self, body: bytes, now: float) -> None:
        outcome, live, catalog, family = self.outcome, self.gateway.live, self.catalog, self.family
        try:
            facts = peek(family, body, self.given.get(b"content-type", b"") if family.form else b"")
            seed = clock.seed()
            model = self._resolve(facts, seed)
        except BadBody as problem:
            responding.refuse(self, ErrorResponse(400, str(problem), param=problem.param))
            return
        if isinstance(model, ErrorResponse):
            responding.refuse(self, model)
            return
        name = model.name
        outcome.model, outcome.stream = name, facts.stream
        size, turn = live.estimates.estimate(name, len(body)), next(live.turns[name])
        request = Request(
            family=family.name, model=name, stream=facts.stream, prompt_tokens=size, received=now, seed=seed,
            sequence=turn,
        )  # fmt: skip
        if model.needs:
            request = model_resolution.filled(request, facts, model, self.key, self.given, live)
            outcome.asked = request
        self.deadline, self.model = now + model.total, model
        self.incoming = Incoming(request, facts, self.head.forwarded, outcome.id)
        stages = catalog.before.get(name) if catalog.before else None
        if stages is None:
            self.go(now)
        else:
            Passage(self, stages).go_on(now)

    def _resolve(self, facts: Facts, seed: int) -> Model | ErrorResponse:
        """Where the request goes: by its model's name, unless routes or its own steering say otherwise.

        Raises:
            BadBody: a steering field is not what it must be.
        """
        if facts.steering is None and not self.catalog.routes:
            return self.catalog.find(facts.model, self.key)
        gateway = self.gateway
        asked = model_resolution.asked(self.catalog, gateway.live, self.key, self.given, facts, seed)
        if isinstance(asked, ErrorResponse):
            return asked
        self.outcome.route = asked.route
        if asked.mirror:
            gateway.shadows.send(gateway, self.catalog, self.head, self.key, facts.body, asked.mirror)
        return asked.model

    def snapshot(self, now: float) -> Snapshot:
        """Live state as of ``now``, for one decision."""
        return Snapshot(now, self.catalog.models, self.gateway.tiers)

    def go(self, now: float) -> None:
        """All is known of the request: plan, and send it."""
        model, catalog, outcome, request = self.model, self.catalog, self.outcome, self.incoming.request
        seen = self.snapshot(now)
        if catalog.hedges:
            self._hedging = Hedging(self)
        if catalog.explains:
            self.gateway.decisions.note(request, model, seen, outcome, self.key, self.given, catalog)
        outcome.seed = request.seed
        found = first(request, model, seen)
        outcome.policy, outcome.signal = model.policy.kind, found.signal or ""
        if found.candidate is not None:
            self.attempt(found.candidate, model, now)
        else:
            self._failover = Failover(self, None)
            self._failover.start()

    def attempt(self, candidate: Candidate, model: Model, now: float) -> None:
        """Send it to an endpoint, under the model that is served there."""
        self.model, outcome, catalog, id = model, self.outcome, self.catalog, candidate.id
        adapter = catalog.adapter(candidate, model) if catalog.around else catalog.adapters[id]
        outcome.attempts += 1
        outcome.deployment, outcome.endpoint = id
        self._attempt = attempt = Attempt(self, candidate, model.timeouts[id[0]], adapter, self.incoming, now)
        if self._hedging is not None:
            self._hedging.begun(attempt, model)
        attempt.send(self.gateway)

    def start(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], first: bytes) -> None:
        """The first content of a streamed answer."""
        if self._hedging is not None:
            self._hedging.committed(attempt)
            self._hedging = None  # which holds this journey: a cycle would be left to the garbage collector
        attempt.answers(self.outcome)
        if self.model.recovery is not None and self.family.events == "openai":
            self._transcript = TranscriptRecorder(self.answer.write)
            self._transcript.keep(first)
            attempt.write = self._transcript.write
        self.answer.flow = attempt
        content_type, allowed = upstream.get(b"content-type", b""), self.catalog.config.server.cors
        lines = headers.answered(self.outcome, content_type, self.given, allowed) + headers.passed_back(upstream)
        self.answer.start(status, lines + headers.STREAMED, first)

    def whole(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], body: bytes, usage: Usage) -> None:
        """A whole answer."""
        if self._hedging is not None:
            self._hedging.committed(attempt)
            self._hedging = None  # which holds this journey: a cycle would be left to the garbage collector
        attempt.answers(self.outcome)
        content_type, allowed = upstream.get(b"content-type", b"application/json"), self.catalog.config.server.cors
        lines = headers.answered(self.outcome, content_type, self.given, allowed)
        if not headers.ORDINARY.issuperset(upstream):
            lines += headers.passed_back(upstream)
        price = attempt.candidate.deployment.price
        if price is not None and usage.source == "upstream":
            lines += b"x-cloverleaf-cost-usd: %.8f\r\n" % usage.cost(price)
        self.answer.whole(status, lines, body)

    def silent(self, attempt: Attempt, fault: Fault) -> bool:
        """The first token is late (timeouts.ttft): whether the attempt is kept while the next one is tried."""
        if self._hedging is None or not self._hedging.keep(attempt, fault):
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
            elif self._transcript is not None:
                StreamRecovery(self, self.model, self._transcript.all(), attempt, fault).begin()
            else:
                responding.break_off(self, fault)
        except Exception:
            self._crashed()

    def _follow(self, begun: Candidate, fault: Fault) -> None:
        """The attempt that counted has failed before its first content, or is late with it."""
        self._failover = self._failover or Failover(self, begun)
        self._failover.follow(fault, self._hedging)

    def count_on(self, attempt: Attempt, reason: str) -> None:
        """Another attempt is the one that counts now: a second one beside it, or one that goes on from it."""
        if self._hold is not None:
            self._hold.cancel()
        self._attempt, outcome = attempt, self.outcome
        outcome.deployment, outcome.endpoint = attempt.candidate.id
        outcome.reason, outcome.began = reason, attempt.started

    def account(self, attempt: Attempt, fault: Fault | None) -> None:
        """The one that counted is over."""
        self._attempt = None
        now = attempt.give_back(self.gateway, fault)
        if fault is not None:
            charge(self.outcome, attempt, self.incoming.request.prompt_tokens, fault, now)

    def give_up(self, action: GiveUp) -> None:
        """Nothing more can be tried: tell the client, unless an attempt beside the one that counted may answer."""
        if self._hedging is None or not self._hedging.gave_up(action):
            self._hedging = None
            responding.give_up(self, action)

    def conclude(self, fault: Fault | None, now: float | None = None) -> None:
        """Record what became of it, once, on every path."""
        outcome = self.outcome
        outcome.fault, outcome.finished = fault, now or clock.now()
        self._failover = None  # which holds this journey
        self.gateway.journeys.discard(self)
        self.gateway.record(outcome)

    def leave(self) -> None:
        """The client is gone: whatever was going on for it stops at once."""
        if not self.outcome.finished:
            self._drop(responding.CANCELLED)
            self.outcome.status = responding.CANCELLED.failure.status
            self.conclude(responding.CANCELLED)

    def stop(self, fault: Fault = responding.STOPPING, refused: ErrorResponse = responding.STOPPED) -> None:
        """The process must end (or this request): tell the client, in its stream if need be."""
        self._drop(fault)
        if self.outcome.first_token:
            responding.break_off(self, fault)
        else:
            responding.refuse(self, refused)

    def hold(
        self, kind: str, seconds: float, late: Callable[[], None], cancel: Callable[[], object] | None = None
    ) -> Hold:
        """Wait until the hold ends, or ``late`` is called after ``seconds``; ``kind``: the label it is counted by."""
        self.gateway.metrics.hold(kind)
        self._hold = hold = Hold(self.guarded, seconds, late, cancel)
        return hold

    def guarded(self, call: Callable[..., None], *given: object) -> None:
        """Call; a defect ends this request alone."""
        try:
            call(*given)
        except Exception:
            self._crashed()

    def _crashed(self) -> None:
        """The outermost frame of our own code: a defect costs this request and a traceback in the log, no more."""
        self.gateway.log.event("error", "defect", traceback.format_exc())
        if not self.outcome.finished:
            self.stop(responding.DEFECT, responding.DEFECTIVE)

    def _drop(self, fault: Fault) -> None:
        """End whatever is under way."""
        if self._hold is not None:
            self._hold.cancel()
        if self._hedging is not None:
            self._hedging.stop()
            self._hedging = None
        if (attempt := self._attempt) is not None:
            attempt.cancel()
            self.account(attempt, fault)
        if self._transcript is not None and self.outcome.broken:
            self.outcome.usage = received(self._transcript, attempt, self.incoming.request.prompt_tokens)
