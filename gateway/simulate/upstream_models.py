"""Models of upstreams: a replica with a queue and a cache, or a cloud with a latency formula.

What a replica costs and holds is one Profile (backends/engine/profile.py); how a cloud answers, one CloudSpec.
"""

from typing import Protocol

import msgspec

from backends.engine.profile import Profile
from backends.engine.replica import Replica
from backends.engine.sequence import Sequence, Work
from gateway.simulate.event_queue import Agenda
from gateway.simulate.trace import Arrival
from gateway.simulate.workload_spec import CloudSpec
from policies.vocabulary.failure import Failure, Fault

CONNECT = 0.0005  # seconds until a dead replica's host refuses a connection
MINUTE = 60.0


class Caller(Protocol):
    """An attempt, as an upstream model sees it."""

    def first(self, cached_tokens: int, now: float) -> None: ...
    def finished(self, now: float) -> None: ...
    def failed(self, fault: Fault, now: float) -> None: ...


class OwnReplica:
    """One replica of the pool."""

    def __init__(self, profile: Profile, block: int, agenda: Agenda) -> None:
        self.profile = profile
        self.replica = Replica(profile)
        self.failed = False
        self.computed = 0  # prompt tokens that were not cached
        self._block = block
        self._agenda = agenda
        self._callers: dict[Sequence, Caller] = {}
        self._sequences: dict[Caller, Sequence] = {}
        self._version = 0  # an alarm set before the last change rings in vain

    def send(self, arrival: Arrival, caller: Caller, now: float) -> None:
        if self.failed:
            self._agenda.at(now + CONNECT, _refuse, caller)
            return
        keys = arrival.blocks[: arrival.prompt_tokens // self._block]
        self._catch_up(now)
        try:
            sequence = self.replica.submit(Work(arrival.prompt_tokens, arrival.output_tokens, keys), now)
        except ValueError as error:
            fault = Fault(Failure.CONTEXT_TOO_LONG, str(error))
            self._agenda.at(now, lambda at, _: caller.failed(fault, at), None)
            return
        self._callers[sequence] = caller
        self._sequences[caller] = sequence
        self._set_alarm()

    def cancel(self, caller: Caller, now: float) -> None:
        self._catch_up(now)
        sequence = self._sequences.pop(caller, None)
        if sequence is not None:
            del self._callers[sequence]
            self.replica.abort(sequence)
        self._set_alarm()

    def slow(self, times: float, now: float) -> None:
        """From the next step on everything takes so many times as long as at first."""
        self._catch_up(now)
        self.replica.profile = slowed(self.profile, times)
        self._set_alarm()

    def fail(self, now: float) -> None:
        self._catch_up(now)
        self.failed = True
        self.replica = Replica(self.replica.profile)
        callers, self._callers, self._sequences = list(self._callers.values()), {}, {}
        self._set_alarm()
        for caller in callers:
            caller.failed(Fault(Failure.BROKEN_STREAM, "the replica failed"), now)

    def revive(self) -> None:
        self.failed = False

    def _catch_up(self, now: float) -> None:
        for event in self.replica.leap(now):
            caller = self._callers[event.sequence]
            if event.produced <= 1:
                self.computed += event.sequence.work.prompt_tokens - event.sequence.cached_tokens
                caller.first(event.sequence.cached_tokens, event.at)
            if event.finished:
                del self._callers[event.sequence], self._sequences[caller]
                caller.finished(event.at)

    def _set_alarm(self) -> None:
        self._version += 1
        news = self.replica.news()
        if news is not None:
            self._agenda.at(news, self._ring, self._version)

    def _ring(self, now: float, version: object) -> None:
        if version == self._version:
            self._catch_up(now)
            self._set_alarm()


class Cloud:
    """An upstream without queues: it answers by a formula, or with 429."""

    def __init__(self, spec: CloudSpec, agenda: Agenda) -> None:
        self._spec = spec
        self._agenda = agenda
        self._taken: list[float] = []  # when the requests of the last minute came
        self._gone: set[Caller] = set()
        self._known: set[int] = set()  # blocks that were sent before

    def send(self, arrival: Arrival, caller: Caller, now: float) -> None:
        spec = self._spec
        if spec.rpm is not None:
            self._taken = [at for at in self._taken if at > now - MINUTE]
            if len(self._taken) >= spec.rpm:
                wait = self._taken[0] + MINUTE - now
                fault = Fault(Failure.RATE_LIMITED, "the cloud's requests per minute are used up", wait)
                self._agenda.at(now, lambda at, _: caller.failed(fault, at), None)
                return
            self._taken.append(now)
        cached = self._cached(arrival)
        first = now + spec.ttft + spec.per_1k_tokens * arrival.prompt_tokens / 1000
        last = first + spec.tpot * max(0, arrival.output_tokens - 1)
        self._agenda.at(first, lambda at, _: None if caller in self._gone else caller.first(cached, at), None)
        self._agenda.at(last, self._finish, caller)

    def cancel(self, caller: Caller, now: float) -> None:
        self._gone.add(caller)

    def _cached(self, arrival: Arrival) -> int:
        if not self._spec.cached:
            return 0
        known = sum(block in self._known for block in arrival.blocks) / max(1, len(arrival.blocks))
        self._known.update(arrival.blocks)
        return int(arrival.prompt_tokens * known * self._spec.cached)

    def _finish(self, now: float, caller: Caller) -> None:
        if caller in self._gone:
            self._gone.discard(caller)
        else:
            caller.finished(now)


def slowed(profile: Profile, times: float) -> Profile:
    """The profile of a replica that takes so many times as long for everything."""
    costs = [name for name in profile.__struct_fields__ if name.startswith(("prefill_", "decode_"))]
    return msgspec.structs.replace(profile, **{name: times * getattr(profile, name) for name in costs})


def _refuse(now: float, caller: Caller) -> None:
    caller.failed(Fault(Failure.UNREACHABLE, "connection refused"), now)
