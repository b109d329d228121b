"""Stream recovery: a committed stream that dies is continued at another endpoint.

Rule: only where its words allow it, and with a comment in the stream that says so; else it ends in an error. This
is the owner of the attempts it starts, as the request is of others.
"""

# compiled

from collections.abc import Mapping
from functools import partial

import msgspec

from backends.contract.adapter import Incoming, Wire
from backends.contract.facts import Facts
from backends.contract.peek import peek
from backends.recover import continuation_constraints as asked
from backends.recover.chunk_json import REASONING
from backends.recover.continuation import continuation
from backends.recover.continuation_modes import Continuing, Realigning, Restarting
from backends.recover.spliced_stream import Join, Mend, Mending, SplicedStream, ending
from backends.recover.transcript import Kept, TranscriptRecorder
from backends.request.tokenize import answer, asking
from backends.transports.http_get import FetchFailed, fetch
from gateway import clock
from gateway.proxy.attempt import Attempt
from gateway.proxy.attempt_usage import spent
from gateway.proxy.in_flight import InFlight
from gateway.proxy.responding import break_off
from gateway.proxy.response_writer import ResponseWriter
from policies.attempts.outcome import Outcome
from policies.attempts.recovery import MAX_TRIES, RECOVERABLE, Broken, Limits, NotRecoverable, Recovery, left, recover
from policies.load.candidate import Candidate
from policies.selection.model import Model
from policies.selection.plan import Exclusions, plan
from policies.vocabulary.engine_state import Continues
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import Mode, Usage

COUNT_WITHIN = 1.0  # seconds for the engine that takes over to say how many tokens a text is: its client waits


def received(keeper: TranscriptRecorder, attempt: Attempt | None, prompt_tokens: int) -> Usage:
    """What a client has received of a stream that ends here: by the seam it went over, else as it was kept."""
    seam = attempt.decoder if attempt is not None else None
    if isinstance(seam, SplicedStream) and seam.committed:
        return seam.received()
    return Usage(prompt_tokens, keeper.all().tokens, 0, "estimated")


class RescueAttempt(Attempt):
    """An attempt whose answer may be complete before its upstream is done: at a stop string across the seam."""

    __slots__ = ()

    def data(self, data: bytes) -> None:
        super().data(data)
        seam = self.decoder
        if isinstance(seam, SplicedStream) and seam.over:
            self.finish()


class StreamRecovery:
    """One broken stream. ``model``: the one it was served under; ``dead``: the attempt that broke."""

    def __init__(self, journey: InFlight, model: Model, kept: Kept, dead: Attempt, fault: Fault) -> None:
        self._journey = journey
        self._model = model
        assert model.recovery is not None  # else nothing was kept
        self._rules = model.recovery
        self._kept = kept
        self._dead = dead
        self._asked = asked.read(journey.incoming.facts)
        self._tried = {dead.candidate.id}
        self.deadline = journey.deadline
        self._fault = fault
        self._counted = False
        self.outcome.broken, self._begun = True, len(self.outcome.spent)
        self._died(self.outcome.usage)

    @property
    def answer(self) -> ResponseWriter:
        return self._journey.answer

    @property
    def outcome(self) -> Outcome:
        return self._journey.outcome

    def begin(self) -> None:
        """Take the stream over; where it cannot be recovered, it ends in its error."""
        failure, dead = self._fault.failure, self._dead.candidate
        if self._kept.whole(self._asked.choices) and failure in RECOVERABLE:
            self._complete()
            return
        found = recover(self._rules, failure, self._broken(), dead, self._places())
        why = found.why if isinstance(found, NotRecoverable) else self._go_on(found)
        if why:
            self._count("none")
            self._journey.gateway.log.event("debug", "recovery", f"{self.outcome.id.decode()}: not recovered: {why}")
            break_off(self._journey, self._fault)

    def _go_on(self, found: Recovery) -> str:
        """In the way that was found; why not, if it cannot be."""
        chosen = self._choose(found)
        if found.mode is Mode.CONTINUE:
            if chosen is not None and self._must_count(chosen):
                self._count_at(chosen)
                return ""
            if left(self._limits(), self._kept.tokens) is None:
                self._complete()
                return ""
        if chosen is None:
            return "no endpoint is free"
        request, load = self._journey.incoming.request, chosen.load
        amount, now = float(request.prompt_tokens + self._kept.tokens), clock.now()
        seconds = load.recoveries.wait(amount, now)
        if seconds > self._model.timeouts[chosen.deployment.name].stream_idle or now + seconds >= self.deadline:
            return "too many recoveries at once"
        self._journey.gateway.counters.recovers(chosen, amount, now)
        self._journey.hold("recovery", seconds, partial(self._send, found.mode, chosen))
        return ""

    def _must_count(self, chosen: Candidate) -> bool:
        """A chunk may hold several tokens. Where there are limits to keep, a place that renders texts is asked."""
        limits = self._limits()
        limited = limits.most is not None or limits.least is not None
        return limited and not self._counted and chosen.load.continues in (Continues.EXACTLY, Continues.TRIMMED)

    def _count_at(self, chosen: Candidate) -> None:
        self._counted = True
        text = msgspec.json.encode({"prompt": self._kept.content, "add_special_tokens": False})
        journey = self._journey
        question = asking(journey.incoming.request, Facts(journey.family, text), chosen.deployment.model)
        wire = journey.catalog.adapters[chosen.id].encode(question)
        hold = journey.hold("token_count", COUNT_WITHIN, partial(self._sized, None))
        hold.run(self._counted_by(wire), self._sized)

    async def _counted_by(self, wire: Wire) -> int | None:
        try:
            return answer(*await fetch(self._journey.gateway.transport, wire, COUNT_WITHIN))
        except FetchFailed:
            return None

    def _sized(self, tokens: int | None) -> None:
        """The text so far is so many tokens, or nobody says."""
        if tokens is not None and tokens > self._kept.tokens:
            self._kept.tokens = tokens
            self._died(self.estimated())
        self.begin()

    def _died(self, usage: Usage) -> None:
        """What the dead attempt came to: as its upstream said, else estimated."""
        before, after = self.outcome.spent[: self._begun], self.outcome.spent[self._begun + 1 :]
        self.outcome.usage = usage
        self.outcome.spent = (*before, spent(self._dead.candidate, usage, self._fault), *after)

    def _send(self, mode: Mode, chosen: Candidate) -> None:
        journey = self._journey
        self._tried.add(chosen.id)
        place = chosen.deployment.name
        self._mode = mode.value
        comment = f": cloverleaf recovered mode={mode.value} deployment={place} at={self._kept.characters}\n\n".encode()
        prompt = journey.incoming.request.prompt_tokens + (self._kept.tokens if mode is Mode.CONTINUE else 0)
        mend = Mend(self._join(mode), self._kept, comment, self._asked.include_usage, prompt)
        adapter = Mending(journey.catalog.adapter(chosen, self._model), mend)
        incoming = self._continuation() if mode is Mode.CONTINUE else journey.incoming
        attempt = RescueAttempt(self, chosen, self._model.timeouts[place], adapter, incoming, clock.now())
        journey.outcome.attempts += 1
        journey.count_on(attempt, "recovery")
        attempt.send(journey.gateway)

    def silent(self, attempt: Attempt, fault: Fault) -> bool:
        """It is not kept when it is late: one more place may be asked."""
        return False

    # Moved by its attempts

    def start(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], first: bytes) -> None:
        """The first content that the client does not have yet."""
        journey = self._journey
        request, first_at = journey.incoming.request, attempt.first_at
        waited = first_at - attempt.sent_at
        journey.gateway.counters.committed(attempt.candidate, request, waited, attempt.started, first_at)
        journey.outcome.recovered = self._mode
        self._count(self._mode)
        journey.answer.flow = attempt
        if self._dead.paused:  # the client still is slow, and is told of changes only
            attempt.pause()
        journey.answer.write(first)

    def whole(self, attempt: Attempt, status: int, upstream: Mapping[bytes, bytes], body: bytes, usage: Usage) -> None:
        """A seam never lets a whole answer through."""
        self.start(attempt, status, upstream, body)

    def settled(self, attempt: Attempt, fault: Fault | None) -> None:
        journey = self._journey
        seam = attempt.decoder
        if isinstance(seam, SplicedStream):
            self.outcome.usage = seam.received() if seam.committed else self.estimated()
        journey.account(attempt, fault)
        if fault is None:
            assert isinstance(seam, SplicedStream)  # it answered
            self._note(attempt, seam.counted(), None)
            journey.conclude(None)
        elif attempt.committed:
            break_off(journey, fault)
        elif len(self._tried) > MAX_TRIES:
            break_off(journey, self._fault)
        else:
            self.begin()

    def _note(self, attempt: Attempt, usage: Usage, fault: Fault | None) -> None:
        self.outcome.spent += (spent(attempt.candidate, usage, fault),)

    # What is asked of the other place

    def _broken(self) -> Broken:
        kept, asked = self._kept, self._asked
        channels, text = kept.channels(), kept.content
        return Broken(
            family=self._journey.family.name,
            obstacle=asked.obstacle or ("refusal" if "refusal" in channels else ""),
            choices=max(asked.choices, kept.choices),
            repeatable=asked.repeatable,
            content=bool(channels - REASONING),
            reasoning=not channels.isdisjoint(REASONING),
            called=kept.called,
            padded=text != text.strip(),
            overflow=kept.overflow,
        )

    def _places(self) -> list[Candidate]:
        seen = self._journey.snapshot(clock.now())
        return [place for place in seen.endpoints(self._model) if place.id not in self._tried]

    def _choose(self, found: Recovery) -> Candidate | None:
        """The plan's choice among the places that can."""
        fit = {place.id for place in found.candidates}
        seen = self._journey.snapshot(clock.now())
        others = {place.id for place in seen.endpoints(self._model)} - fit
        return plan(self._journey.incoming.request, self._model, seen, Exclusions(endpoints=others)).candidate

    def _limits(self) -> Limits:
        return Limits(self._asked.most, self._asked.least)

    def _join(self, mode: Mode) -> Join:
        if mode is Mode.CONTINUE:
            return Continuing(self._kept, self._asked.stops, self._asked.include_stop)
        return Realigning(self._kept) if mode is Mode.REALIGN else Restarting(self._kept)

    def _continuation(self) -> Incoming:
        """The client's request, asking to go on after the text so far."""
        given = self._journey.incoming
        limits = left(self._limits(), self._kept.tokens)
        assert limits is not None  # else the answer was complete
        text = self._kept.content
        body = continuation(given.facts, text, limits.most, limits.least)
        return Incoming(given.request, peek(given.facts.family, body, b""), given.headers, given.id)

    # The ends

    def _complete(self) -> None:
        """All that was asked for had been sent when the stream died: only its end is missing."""
        journey = self._journey
        untold = self._asked.include_usage and not self._kept.counted
        end = ending(self._kept, journey.family.name, self.outcome.usage if untold else None)
        journey.outcome.recovered = "end"
        self._count("end")
        journey.answer.write(end)
        journey.answer.end()
        journey.conclude(None)

    def estimated(self) -> Usage:
        """What the client received of it before it died."""
        return Usage(self._journey.incoming.request.prompt_tokens, self._kept.tokens, 0, "estimated")

    def _count(self, how: str) -> None:
        self._journey.gateway.metrics.recovery(self._model.name, how)
