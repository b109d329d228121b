"""Trace sampling: an unsampled request costs one draw and one comparison; spans are built afterwards.

Sampled at the head: as the caller's ``traceparent`` says, else by the share that is configured. Ids are drawn then, so
that upstreams can be told. Kept at the tail, whatever the draw was: failures that are not the client's, requests of
more than one attempt, and slow ones; as many a second as are worth a look.
"""

import re
from collections import deque
from collections.abc import Mapping
from typing import Protocol

import msgspec

from backends.contract.adapter import Incoming
from backends.contract.headers import rendered
from gateway import clock
from policies.attempts.attempt_record import Trace
from policies.attempts.outcome import Outcome
from policies.load.token_bucket import TokenBucket
from policies.vocabulary.failure import Cause
from policies.vocabulary.hashing import GOLDEN

NOTABLE = 100.0  # a second are kept at the tail, of those not sampled: when all fails, one trace is much like the next
QUEUE = 4096  # traces that wait for the collector; more are dropped and counted
_PARENT = re.compile(rb"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?")


class Tracer:
    """``share`` of requests (0..1) is traced; ``slow``: seconds to the first content after which one is kept."""

    def __init__(self, share: float, slow: float) -> None:
        self._threshold = int(share * 2**64)
        self._slow = slow
        self.queue: deque[Outcome] = deque()
        self._notables = TokenBucket(NOTABLE, NOTABLE)
        self.dropped = 0
        self.left_out = 0  # notable ones beyond what is kept

    def begin(self, outcome: Outcome, given: Mapping[bytes, bytes]) -> None:
        """A request is here: draw, or follow its caller."""
        header = given.get(b"traceparent")
        if header is None:
            seed = clock.seed()
            if seed < self._threshold:
                outcome.trace = new(seed)
        else:
            outcome.context = header
            parent = followed(header)
            if parent is not None and parent.sampled:
                outcome.trace = parent

    def record(self, outcome: Outcome) -> None:
        """A request is over: keep it, if it is wanted."""
        if outcome.trace is None and not (self._notable(outcome) and self._kept(outcome.finished)):
            return
        if len(self.queue) >= QUEUE:
            self.dropped += 1
        else:
            self.queue.append(outcome)

    def _notable(self, outcome: Outcome) -> bool:
        fault = outcome.fault
        if outcome.status >= 500 or (fault is not None and fault.failure.caused_by is not Cause.CLIENT):
            return True
        return outcome.attempts > 1 or (outcome.first_token or outcome.finished) - outcome.received > self._slow

    def _kept(self, now: float) -> bool:
        if self._notables.wait(1.0, now):
            self.left_out += 1
            return False
        self._notables.reserve(1.0, now)
        return True


class Exporter(Protocol):
    """Hands metrics and traces to a collector. ``exported``: traces so far; ``failures``: exports that failed, of
    metrics and of traces."""

    exported: int
    failures: dict[str, int]

    def flush(self) -> None: ...

    def close(self) -> None: ...


def new(seed: int) -> Trace:
    """A trace of our own making. ``seed``: 64 random bits, of which a low value may have been the condition."""
    return Trace(clock.seed() << 64 | seed | 1, clock.seed() | 1)


def followed(header: bytes) -> Trace | None:
    """The trace that a caller's ``traceparent`` continues; None: not valid."""
    found = _PARENT.fullmatch(header)
    if found is None:
        return None
    return Trace(int(found[1], 16), clock.seed() | 1, int(found[2], 16), bool(int(found[3], 16) & 1))


def attempt_id(trace: Trace, number: int) -> int:
    """The id of the span of the n-th attempt (1, 2, ...)."""
    return (trace.span_id + number * GOLDEN) % 2**64 or 1


def carried(outcome: Outcome, incoming: Incoming) -> Incoming:
    """The request as its next attempt is to send it: a traced one names the attempt's span as the parent."""
    trace = outcome.trace
    if trace is None:
        return incoming
    ours = b"00-%032x-%016x-01" % (trace.trace_id, attempt_id(trace, outcome.attempts))
    fields = {**incoming.headers.fields, b"traceparent": ours}
    if not trace.parent:
        fields.pop(b"tracestate", None)
    return msgspec.structs.replace(incoming, headers=rendered(fields))
