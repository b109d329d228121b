"""Hedging: a second attempt beside the current one, of which the first to bring content answers.

Rule: at most one, while neither has brought any; the other is then stopped at its upstream and accounted for. It is a
hedge, started because the current one is late; or one that was silent for too long, kept while the next endpoint is
tried. This is the second attempt's owner, as the request is the current one's.
"""

from collections.abc import Mapping

from gateway import clock
from gateway.proxy.attempt import Attempt
from gateway.proxy.attempt_usage import spent, used
from gateway.proxy.in_flight import InFlight
from gateway.proxy.response_writer import ResponseWriter
from policies.attempts.hedging import LATE, Waiting, work, worth
from policies.attempts.machine import GiveUp
from policies.attempts.outcome import Outcome
from policies.attempts.wait_history import kind
from policies.load.candidate import Candidate
from policies.selection.model import Model
from policies.selection.plan import Exclusions, plan
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Usage

AGAIN = 0.25  # seconds until a late attempt that was not worth a hedge is looked at again
_NEVER = float("inf")
_SLOWER = Fault(Failure.CANCELLED, "another attempt was faster")


class Hedging:
    """Of one journey; made only where hedging is configured. Watched for when its current attempt is late."""

    __slots__ = (
        "_current", "_hedged", "_journey", "_kind", "_model", "_pending", "_second", "_why", "deadline",
        "late_at", "total",
    )  # fmt: skip

    def __init__(self, journey: InFlight) -> None:
        request = journey.incoming.request
        self._journey = journey
        self._kind = kind(request.family, request.stream, request.prompt_tokens)
        self._current: Attempt | None = None
        self._second: Attempt | None = None
        self._why = ""  # it was made, see Outcome
        self._hedged = False  # a request is hedged once
        self._pending: GiveUp | None = None  # what the current attempts came to, if the second fails as well
        self.deadline = self.late_at = self.total = _NEVER

    # What the second attempt asks of its owner

    @property
    def outcome(self) -> Outcome:
        return self._journey.outcome

    @property
    def answer(self) -> ResponseWriter:
        return self._journey.answer

    def start(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], first: bytes) -> None:
        self._win(attempt)
        self._journey.start(attempt, status, upstream, first)

    def whole(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], body: bytes, usage: Usage) -> None:
        self._win(attempt)
        self._journey.whole(attempt, status, upstream, body, usage)

    def settled(self, attempt: Attempt, fault: Fault | None) -> None:
        """The second failed: what counts is what becomes of the current one."""
        self._second = None
        self._lose(attempt, fault or _SLOWER, self._why)
        if self._pending is not None:
            self._journey.give_up(self._pending)

    def silent(self, attempt: Attempt, fault: Fault) -> bool:
        """The second is never kept any longer."""
        return False

    # Moved by the journey

    def begun(self, attempt: Attempt, model: Model) -> None:
        """The journey has a new current attempt."""
        gateway, request = self._journey.gateway, self._journey.incoming.request
        self._current, self._model, self._pending = attempt, model, None
        gateway.live.hedge.first(work(request.prompt_tokens, attempt.candidate.deployment.price), attempt.started)
        late = gateway.counters.waits(attempt.candidate, self._kind).quantile(LATE)
        if late is not None and self._second is None and not self._hedged:
            self.deadline = self.late_at = attempt.started + late
            gateway.deadlines.add(self)
            gateway.late.add(self)

    def committed(self, attempt: Attempt) -> None:
        """The current attempt has spoken first."""
        self._journey.gateway.counters.waited(attempt.candidate, self._kind, attempt.first_at - attempt.started)
        second = self._second
        if second is not None:
            self.outcome.waited += max(0.0, attempt.sent_at - second.sent_at)
        self.stop()

    def failed(self) -> Attempt | None:
        """The current attempt failed: the hedge that now goes on in its place, if there is one."""
        self._disarm()
        self._current = None
        second = self._second
        if second is None or not self._hedged:
            return None
        self._second = None
        second.owner = self._journey
        return second

    def keep(self, attempt: Attempt, fault: Fault) -> bool:
        """The current attempt was silent for too long: keep it while the next is tried, if the budget allows."""
        live, request = self._journey.gateway.live, self._journey.incoming.request
        now = clock.now()
        self._disarm()
        if self._second is not None:
            return False
        if not live.hedge.take(work(request.prompt_tokens, attempt.candidate.deployment.price), now):
            return False
        live.counters.observe(attempt.candidate, request.family, fault, attempt.started, now)
        attempt.owner, self._second, self._current = self, attempt, None
        self._why = self.outcome.reason
        return True

    def gave_up(self, action: GiveUp) -> bool:
        """Nothing else can be tried; whether an answer may still come."""
        self._pending = action
        return self._second is not None

    def stop(self) -> None:
        """Somebody was faster, or nobody waits any more."""
        self._disarm()
        second, self._second = self._second, None
        if second is not None:
            second.cancel()
            self._lose(second, _SLOWER, self._why)

    # Watched

    def expire(self, now: float) -> None:
        """The current attempt is late: hedge it, if that is worth it."""
        journey, current = self._journey, self._current
        if current is None or current.committed:
            return
        self.deadline = now + AGAIN
        place = self._rival(current, now)
        if place is None or not self._worth(current, place, now):
            return
        request, live = journey.incoming.request, journey.gateway.live
        if not live.hedge.take(work(request.prompt_tokens, place.deployment.price), now):
            return
        self._disarm()
        self._hedged, self._why = True, "hedge"
        limits, adapter = self._model.timeouts[place.deployment.name], journey.catalog.adapter(place, self._model)
        self._second = Attempt(
            owner=self, candidate=place, limits=limits, adapter=adapter, incoming=journey.incoming, started=now
        )
        self.outcome.attempts += 1
        self._second.send(journey.gateway)

    def _rival(self, current: Attempt, now: float) -> Candidate | None:
        """The plan's choice in another failure domain."""
        journey = self._journey
        others = Exclusions(endpoints={current.candidate.id}, domains={current.candidate.domain.key})
        return plan(journey.incoming.request, self._model, journey.snapshot(now), others).candidate

    def _worth(self, current: Attempt, place: Candidate, now: float) -> bool:
        live, late = self._journey.gateway.live, self._journey.gateway.late
        waiting = Waiting(len(late), sum(1 for each in late if each.late_at < now))
        own, rival = live.counters.waits(current.candidate, self._kind), live.counters.waits(place, self._kind)
        return worth(now - current.started, own, rival, waiting, place)

    def _disarm(self) -> None:
        self.deadline = _NEVER
        self._journey.gateway.deadlines.discard(self)
        self._journey.gateway.late.discard(self)

    def _win(self, attempt: Attempt) -> None:
        """The second has spoken first: it is the current one now."""
        current, self._current, self._second = self._current, attempt, None
        attempt.owner = self._journey
        self.outcome.hedged, why = "won", self.outcome.reason
        self._journey.count_on(attempt, self._why)
        if current is not None:
            self.outcome.waited += max(0.0, attempt.sent_at - current.sent_at)
            current.cancel()
            self._lose(current, _SLOWER, why)

    def _lose(self, attempt: Attempt, fault: Fault, why: str) -> None:
        """Account for an attempt that another one made superfluous: its prompt counts as read, if it was sent."""
        journey, candidate = self._journey, attempt.candidate
        now = attempt.give_back(journey.gateway, fault)
        self.outcome.hedged = self.outcome.hedged or "lost"
        self.outcome.note(candidate.id, attempt.started, now, fault.failure.code, why, 0.0)
        usage = used(attempt, journey.incoming.request.prompt_tokens, fault)
        if usage.source != "none":
            self.outcome.spent += (spent(candidate, usage, fault),)
        journey.gateway.counters.waited(candidate, self._kind, now - attempt.started)
