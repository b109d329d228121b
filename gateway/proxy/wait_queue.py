"""The queue of requests that find every endpoint of their model at its limit.

Rule: in fair order, and for no longer than the first token may take; a request whose turn would come too late is
refused at once, and told when to come back.
"""

from collections.abc import Callable

from gateway.proxy.deadlines import Deadlines
from policies.attempts.machine import GiveUp
from policies.attempts.wait_queue import Ticket, WaitQueue
from policies.selection.model import Model
from policies.vocabulary.failure import Failure, Fault

SHARE = 0.75  # of what a first token may take: the rest is the endpoint's own
LOOK = 0.25  # seconds between looks for room that no request has given back: an endpoint came up, a limit was raised


class RequestQueue:
    """Has a deadline, for the next look, while requests wait."""

    def __init__(self, deadlines: Deadlines) -> None:
        self.queue = WaitQueue(0)
        self.deadline = self.total = float("inf")
        self._admit: dict[Ticket, Callable[[float], bool]] = {}
        deadlines.add(self)

    @property
    def waiting(self) -> int:
        return self.queue.waiting

    def join(self, ticket: Ticket, admit: Callable[[float], bool], limit: int, now: float) -> bool:
        """Wait; False: there is no room among ``limit``, or its turn would come too late. ``admit`` is called when an
        endpoint may be free, with the time (monotonic seconds), and returns whether one was."""
        self.queue.limit = limit
        if not self.queue.enter(ticket, now):
            return False
        if not self._admit:
            self.deadline = now + LOOK
        self._admit[ticket] = admit
        return True

    def leave(self, ticket: Ticket) -> None:
        """It waits no longer."""
        self.queue.leave(ticket)
        self._forget(ticket)

    def pump(self, now: float) -> None:
        """Endpoints may have become free: give them away."""
        self.queue.serve(lambda ticket: self._served(ticket, now), now)

    def expire(self, now: float) -> None:
        """However many wait, one look serves them all."""
        self.deadline = now + LOOK
        self.pump(now)

    def refusal(self, ticket: Ticket, why: str) -> GiveUp:
        message = f"every deployment of model '{ticket.lane}' is at its max_concurrency: {why}"
        return GiveUp(Fault(Failure.SHED, message), self.queue.retry_after(ticket.lane, ticket.key, ticket.priority))

    def _served(self, ticket: Ticket, now: float) -> bool:
        if not self._admit[ticket](now):
            return False
        self._forget(ticket)
        return True

    def _forget(self, ticket: Ticket) -> None:
        self._admit.pop(ticket, None)
        if not self._admit:
            self.deadline = float("inf")


def patience(model: Model, stream: bool) -> float:
    """Seconds that a request of the model may wait."""
    return SHARE * max(limits.ttft if stream else limits.response for limits in model.timeouts.values())
