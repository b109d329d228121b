"""A simulated request: the gateway's own attempt machine and live state over modelled upstreams.

As in proxy/journey.py a request is planned, attempted, followed up and accounted for; bytes, headers and clients
that leave are not modelled.
"""

from typing import Protocol

from gateway.catalog.catalog import Catalog
from gateway.simulate.event_queue import Agenda
from gateway.simulate.trace import Arrival
from gateway.simulate.upstream_models import Cloud, OwnReplica
from gateway.state.live_state import LiveState
from policies.attempts.machine import Action, GiveUp, Machine, Start
from policies.load.candidate import Candidate
from policies.selection.model import Model, Snapshot
from policies.vocabulary.failure import Failure, Fault, Progress
from policies.vocabulary.limits import Timeouts
from policies.vocabulary.types import Request, Usage

FAMILY = "chat"


class World(Protocol):
    """What a simulated request acts on, and is accounted for by."""

    agenda: Agenda
    live: LiveState
    model: Model
    catalog: Catalog
    places: dict[tuple[str, str], OwnReplica | Cloud]

    def snapshot(self) -> Snapshot: ...
    def answered(self, attempt: "Attempt", usage: Usage, now: float) -> None: ...
    def concluded(self, journey: "Journey", failure: Failure, answered: bool) -> None: ...


class Journey:
    """One request from its arrival to its end."""

    __slots__ = ("arrival", "came", "machine", "request", "world")

    def __init__(self, world: World, arrival: Arrival, request: Request) -> None:
        self.world = world
        self.arrival = arrival
        self.request = request
        self.came = request.received
        self.machine = Machine(request, world.model, world.catalog.retry, self.came + world.model.total)

    def begin(self) -> None:
        self._act(self.machine.start(self.world.snapshot()))

    def _act(self, action: Action) -> None:
        world = self.world
        if isinstance(action, Start):
            Attempt(self, action.candidate, action.model.timeouts[action.candidate.id[0]]).send(world.agenda.now)
        elif isinstance(action, GiveUp):
            world.concluded(self, action.fault.failure, False)
        else:
            world.agenda.at(world.agenda.now + action.seconds, self._resume, None)

    def _resume(self, now: float, _: object) -> None:
        self._act(self.machine.resume(self.world.snapshot()))

    def follow(self, fault: Fault) -> None:
        """An attempt failed before its first token."""
        self._act(self.machine.failed(fault, Progress.UNCOMMITTED, self.world.snapshot()))


class Attempt:
    """One request at one place: counted from its start to its end, however it ends."""

    __slots__ = ("cached", "candidate", "first_at", "journey", "limits", "over", "started")

    def __init__(self, journey: Journey, candidate: Candidate, limits: Timeouts) -> None:
        self.journey = journey
        self.candidate = candidate
        self.limits = limits
        self.started = 0.0
        self.first_at = 0.0
        self.cached = 0
        self.over = False

    def send(self, now: float) -> None:
        journey = self.journey
        world, request = journey.world, journey.request
        self.started = now
        world.live.enter(self.candidate, request.prompt_tokens, FAMILY, now)
        if request.blocks:
            world.live.hold(self.candidate, request, now)
        world.agenda.at(min(now + self.limits.ttft, journey.machine.deadline), self._expire, None)
        world.places[self.candidate.id].send(journey.arrival, self, now)

    # Caller

    def first(self, cached_tokens: int, now: float) -> None:
        if not self.over:
            self.first_at, self.cached = now, cached_tokens
            live = self.journey.world.live
            live.committed(self.candidate, self.journey.request, now - self.started, self.started, now)

    def finished(self, now: float) -> None:
        if self.over:
            return
        arrival, world = self.journey.arrival, self.journey.world
        usage = Usage(arrival.prompt_tokens, arrival.output_tokens, self.cached, "upstream")
        world.live.answered(self.candidate, self.journey.request, usage, self.started, now)
        self._account(None, now)
        world.answered(self, usage, now)

    def failed(self, fault: Fault, now: float) -> None:
        if self.over:
            return
        self._account(fault, now)
        if self.first_at:
            self.journey.world.concluded(self.journey, fault.failure, True)
        else:
            self.journey.follow(fault)

    def _expire(self, now: float, _: object) -> None:
        """Silence before the first token, or the end of the request's time."""
        if self.over:
            return
        deadline = self.journey.machine.deadline
        if self.first_at and now < deadline:
            self.journey.world.agenda.at(deadline, self._expire, None)
            return
        late = Failure.DEADLINE if now >= deadline else Failure.TIMEOUT_TTFT
        fault = Fault(late, "no first token in time" if late is Failure.TIMEOUT_TTFT else "the request's time is up")
        place = self.journey.world.places[self.candidate.id]
        self.failed(fault, now)
        place.cancel(self, now)

    def _account(self, fault: Fault | None, now: float) -> None:
        self.over = True
        live, request = self.journey.world.live, self.journey.request
        live.observe(self.candidate, FAMILY, fault, self.started, now)
        if fault is not None and not self.first_at:
            live.failed(self.candidate, request, fault, self.limits.ttft, now)
        live.leave(self.candidate, request)
