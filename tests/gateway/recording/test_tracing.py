"""Tracing: what is kept of requests that nobody sampled."""

import pytest

from gateway.recording.tracing import NOTABLE, Tracer
from policies.attempts.outcome import Outcome
from policies.vocabulary.failure import Failure, Fault
from tests.outcome import filled


def ended(at: float = 11.0, **changes: object) -> Outcome:
    given = {"status": 200, "first_token": 10.5, "attempts": 1, "finished": at}
    return filled(b"id", "chat", 10.0, model="m", **{**given, **changes})


@pytest.mark.parametrize(
    ("outcome", "kept"),
    [
        (ended(), False),
        (ended(status=404), False),
        (ended(status=499, fault=Fault(Failure.CANCELLED, "left")), False),
        (ended(status=400, fault=Fault(Failure.CONTEXT_TOO_LONG, "long")), False),
        (ended(fault=Fault(Failure.BROKEN_STREAM, "cut")), True),
        (ended(status=429, fault=Fault(Failure.RATE_LIMITED, "slower")), True),
        (ended(status=429, fault=Fault(Failure.SHED, "full")), True),
        (ended(status=500), True),
        (ended(attempts=2), True),
        (ended(first_token=12.1, at=13.0), True),
        (ended(first_token=0.0, at=12.1), True),
        (ended(at=100.0), False),  # a long answer is no slow one
    ],
)
def test_errors_fallbacks_and_slow_ones_are_kept(outcome: Outcome, kept: bool) -> None:
    tracer = Tracer(0.0, 2.0)
    tracer.record(outcome)
    assert list(tracer.queue) == [outcome] * kept


def test_an_outage_leaves_no_more_traces_than_are_worth_a_look() -> None:
    tracer = Tracer(0.0, 2.0)
    for second in (11.0, 12.0):
        for _ in range(1000):
            tracer.record(ended(second, status=503))
    assert (len(tracer.queue), tracer.left_out, tracer.dropped) == (2 * NOTABLE, 2000 - 2 * NOTABLE, 0)
