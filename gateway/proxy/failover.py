"""Failover: what follows when a request finds no endpoint at once, or an attempt of it has failed.

Rule: the machine decides (policies/attempts/machine.py); here another attempt is started, a pause or a place in the
queue is waited for, or the request given up.
"""

from functools import partial

from gateway import clock
from gateway.proxy.hedging import Hedging
from gateway.proxy.hold import Hold
from gateway.proxy.in_flight import InFlight
from gateway.proxy.model_resolution import turn
from gateway.proxy.wait_queue import patience
from policies.attempts.machine import Action, GiveUp, Machine, Start
from policies.attempts.wait_queue import Ticket
from policies.load.candidate import Candidate
from policies.vocabulary.failure import Failure, Fault, Progress


class Failover:
    """Of one request; made when it is needed, which is rare. ``begun``: where it has been sent already, if anywhere."""

    __slots__ = ("_hold", "_journey", "_machine")

    def __init__(self, journey: InFlight, begun: Candidate | None) -> None:
        self._journey = journey
        self._hold: Hold | None = None  # for a place in the queue
        self._machine = Machine(journey.incoming.request, journey.model, journey.catalog.retry, journey.deadline, begun)

    def start(self) -> None:
        """No endpoint was found at once."""
        self._act(self._machine.start(self._journey.snapshot(clock.now())))

    def follow(self, fault: Fault, hedging: Hedging | None) -> None:
        """The attempt that counted has failed before its first content, or is late with it."""
        second = hedging.failed() if hedging is not None else None
        if second is None:
            self._journey.guarded(self._failed, fault)
        else:  # it was under way beside the other, and goes on in its place
            self._machine.replaced(second.candidate)
            self._journey.count_on(second, "hedge")

    def _failed(self, fault: Fault) -> None:
        self._act(self._machine.failed(fault, Progress.UNCOMMITTED, self._journey.snapshot(clock.now())))

    def _act(self, action: Action) -> None:
        journey = self._journey
        if isinstance(action, Start):
            now = clock.now()
            journey.outcome.follow(action.model.name, action.candidate.id[0], action.signal, now)
            journey.attempt(action.candidate, action.model, now)
        elif not isinstance(action, GiveUp):
            journey.hold("pause", action.seconds, partial(self._resume, action.seconds))
        elif action.fault.failure is not Failure.SHED or not journey.queues:
            journey.give_up(action)
        else:
            self._queue()

    def _resume(self, waited: float) -> None:
        self._journey.outcome.waited += waited
        self._act(self._machine.resume(self._journey.snapshot(clock.now())))

    def _queue(self) -> None:
        """Wait for a free endpoint, unless a copy gives up its own."""
        journey, queue = self._journey, self._journey.gateway.queue
        if journey.gateway.shadows.displace(journey.model) and self._admit(0.0):
            return
        request, model, now = journey.incoming.request, journey.model, clock.now()
        latest = min(journey.deadline, now + patience(model, request.stream))
        priority = turn(journey.incoming.facts, journey.key)
        ticket = Ticket(model.name, journey.outcome.key, float(request.prompt_tokens), latest, priority)
        if not queue.join(ticket, lambda at: self._admit(at - now), journey.catalog.config.server.max_queue, now):
            journey.give_up(queue.refusal(ticket, "the queue is too long"))
            return
        self._hold = journey.hold(
            "queue", latest - now, partial(self._expired, ticket, now), partial(queue.leave, ticket)
        )

    def _admit(self, waited: float) -> bool:
        """An endpoint may be free after ``waited`` seconds in the queue; False: none is."""
        action = self._machine.resume(self._journey.snapshot(clock.now()))
        if isinstance(action, GiveUp) and action.fault.failure is Failure.SHED:
            return False
        journey = self._journey
        if self._hold is not None:
            self._hold.end()
        journey.outcome.queued += waited
        journey.outcome.waited += waited
        journey.guarded(self._act, action)
        return True

    def _expired(self, ticket: Ticket, since: float) -> None:
        journey, waited = self._journey, clock.now() - since
        journey.outcome.queued += waited
        journey.outcome.waited += waited
        journey.give_up(journey.gateway.queue.refusal(ticket, f"none became free in {waited:.1f} s"))
