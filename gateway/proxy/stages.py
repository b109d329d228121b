"""Stages of the gateway's own, and the way of one request through its model's (see gateway/catalog/stages.py)."""

from functools import partial

from backends.contract.adapter import Incoming
from backends.contract.decoder import Decoder
from backends.contract.peek import peek
from backends.reply.tool_call_buffer import HeldCalls
from gateway import clock
from gateway.catalog.recovery_rules import holds_calls
from gateway.catalog.stages import AnswerWith, Decision, GoOn, HoldUntil, Passing, Stage
from gateway.config.schema import Config
from gateway.proxy.in_flight import InFlight
from gateway.proxy.responding import answer_with, refuse
from policies.selection.model import Model


class HeldToolCalls(Stage):
    """Tool calls of a streamed answer reach the client whole or not at all (``hold_tool_calls``)."""

    def serves(self, config: Config, model: Model) -> bool:
        return holds_calls(config.defaults, config.models[model.name])

    def around(self, incoming: Incoming, decoder: Decoder, content_type: bytes) -> Decoder:
        return HeldCalls(decoder) if content_type.startswith(b"text/event-stream") else decoder


class Passage:
    """The way of one request through its stages before the plan."""

    __slots__ = ("_journey", "_left", "_passing")

    def __init__(self, journey: InFlight, stages: tuple[Stage, ...]) -> None:
        self._journey = journey
        self._left = iter(stages)
        self._passing = Passing(
            incoming=journey.incoming,
            model=journey.model,
            key=journey.key,
            given=journey.given,
            config=journey.catalog.config,
            adapters=journey.catalog.adapters,
        )

    def go_on(self, now: float) -> None:
        """Through as many stages as let it, and then to the plan."""
        for stage in self._left:
            if not self._follow(stage.before(self._passing)):
                return
        self._journey.go(now)

    def _follow(self, decision: Decision) -> bool:
        """Do what a stage has decided; whether the request goes on at once."""
        journey = self._journey
        if isinstance(decision, GoOn):
            if decision.request is not None:
                journey.incoming.request = decision.request
            if decision.body is not None:
                content_type = journey.given.get(b"content-type", b"")
                journey.incoming.facts = peek(journey.family, decision.body, content_type)
            return True
        if isinstance(decision, HoldUntil):
            hold = journey.hold(decision.kind, decision.seconds, partial(self._late, decision))
            hold.run(decision.ready, self._resume)
        elif isinstance(decision, AnswerWith):
            answer_with(journey, decision.body, decision.content_type, decision.usage)
        else:
            refuse(journey, decision.response)
        return False

    def _late(self, held: HoldUntil) -> None:
        self._resume(held.late())

    def _resume(self, decision: Decision) -> None:
        """A hold is over."""
        if self._follow(decision):
            self._journey.outcome.began = now = clock.now()
            self.go_on(now)
