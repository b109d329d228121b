"""The wait queue for models at max_concurrency: fair by key, up to 75 % of the time to first token; the rest are
rejected with Retry-After.
"""

from typing import TYPE_CHECKING

from gateway import clock
from gateway.proxy.deadlines import Deadlines
from policies.attempts.machine import GiveUp
from policies.attempts.wait_queue import Ticket, WaitQueue
from policies.selection.model import Model
from policies.vocabulary.failure import Failure, Fault

if TYPE_CHECKING:
    from gateway.proxy.journey import Journey

SHARE = 0.75  # of what a first token may take: the rest is the place's own
LOOK = 0.25  # seconds after which places are looked for that nobody gave back: one came up, or a limit was raised


class QueuedJourney:
    """One journey's place in the line: Watched for the end of its patience, and for places nobody gave back."""

    __slots__ = ("deadline", "journey", "line", "since", "ticket", "total")

    def __init__(self, line: "QueuedJourneys", journey: "Journey", ticket: Ticket, since: float) -> None:
        self.line = line
        self.journey = journey
        self.ticket = ticket
        self.since = since
        self.deadline = since + LOOK
        self.total = ticket.deadline

    def expire(self, now: float) -> None:
        if now >= self.total:
            self.line.leave(self.journey)
            self.journey.outcome.queued += now - self.since
            self.journey.outcome.waited += now - self.since
            self.journey.give_up(self.line.refusal(self.ticket, f"none became free in {now - self.since:.1f} s"))
        else:
            self.deadline = now + LOOK
            self.line.look(now)


class QueuedJourneys:
    """The wait queue of one gateway."""

    def __init__(self, watch: Deadlines) -> None:
        self._watch = watch
        self.queue = WaitQueue(0)
        self._places: dict[Journey, QueuedJourney] = {}
        self._tickets: dict[Ticket, QueuedJourney] = {}
        self._looked = 0.0

    @property
    def waiting(self) -> int:
        return self.queue.waiting

    def join(self, journey: "Journey", model: Model, priority: int) -> GiveUp | None:
        """Wait for a place; None: it does, or has got one from a copy. Else what it is told."""
        if journey.gateway.displace(model) and journey.admit(0.0):
            return None
        request, now = journey.incoming.request, clock.now()
        patience = (t.ttft if request.stream else t.response for t in model.timeouts.values())
        deadline = min(journey.deadline, now + SHARE * max(patience))
        ticket = Ticket(model.name, journey.outcome.key, float(request.prompt_tokens), deadline, priority)
        self.queue.limit = journey.catalog.config.server.max_queue
        if not self.queue.enter(ticket, now):
            return self.refusal(ticket, "the line is too long")
        place = self._places[journey] = self._tickets[ticket] = QueuedJourney(self, journey, ticket, now)
        self._watch.add(place)
        return None

    def leave(self, journey: "Journey") -> None:
        """It waits no longer, if it did."""
        place = self._places.get(journey)
        if place is not None:
            self.queue.leave(place.ticket)
            self._forget(place)

    def pump(self, now: float) -> None:
        """Places may have become free: give them away."""
        self.queue.serve(lambda ticket: self._admit(ticket, now), now)

    def look(self, now: float) -> None:
        """However many wait, one look serves them all."""
        if now >= self._looked + LOOK:
            self._looked = now
            self.pump(now)

    def refusal(self, ticket: Ticket, why: str) -> GiveUp:
        message = f"every deployment of model '{ticket.lane}' is at its max_concurrency: {why}"
        return GiveUp(Fault(Failure.SHED, message), self.queue.retry_after(ticket.lane, ticket.key, ticket.priority))

    def _admit(self, ticket: Ticket, now: float) -> bool:
        place = self._tickets[ticket]
        if not place.journey.admit(now - place.since):
            return False
        self._forget(place)
        return True

    def _forget(self, place: QueuedJourney) -> None:
        self._watch.discard(place)
        del self._places[place.journey], self._tickets[place.ticket]
