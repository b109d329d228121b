"""A fixed rate for every stream, however many there are."""

import pytest

from backends.engine.fixed_rate_model import TICK, Pacer
from backends.engine.sequence import Event, Work


def drain(pacer: Pacer) -> list[Event]:
    events: list[Event] = []
    while (due := pacer.due) is not None:
        events += pacer.advance(due)
    return events


def test_tokens_come_one_period_apart() -> None:
    pacer = Pacer(10)
    pacer.submit(Work(5, 4), 1.0)
    assert [event.at for event in drain(pacer)] == pytest.approx([1.0, 1.1, 1.2, 1.3])


def test_a_thousand_streams_are_no_slower_than_one() -> None:
    pacer = Pacer(10)
    sequences = [pacer.submit(Work(5, 3), index / 1000) for index in range(1000)]
    events = drain(pacer)
    assert len(events) == 3000
    last = {id(event.sequence): event for event in events}
    for sequence in sequences:
        assert last[id(sequence)].at - sequence.arrived == pytest.approx(0.2)


def test_due_times_are_gathered_into_ticks_and_never_early() -> None:
    pacer = Pacer(7)
    pacer.submit(Work(1, 2), 0.0123)
    assert pacer.due == pytest.approx(0.015)
    assert (pacer.due or 0) >= 0.0123
    assert TICK == 0.005


def test_an_aborted_stream_gets_nothing_more() -> None:
    pacer = Pacer(10)
    gone, kept = pacer.submit(Work(1, 3), 0.0), pacer.submit(Work(1, 3), 0.0)
    pacer.advance(0.0)
    pacer.abort(gone)
    pacer.abort(gone)
    assert pacer.running == 1
    assert {id(event.sequence) for event in drain(pacer)} == {id(kept)}
    assert pacer.running == 0


def test_a_sleeping_pacer_is_never_due_and_wakes() -> None:
    pacer = Pacer(10)
    flying = pacer.submit(Work(1, 3), 0.0)
    assert pacer.sleep() == [flying]
    pacer.submit(Work(1, 1), 1.0)
    assert (pacer.due, pacer.advance(9.0)) == (None, [])
    pacer.wake(9.0)
    assert len(drain(pacer)) == 1
