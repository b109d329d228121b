"""Drives the model on the wall clock; the tokens of a step reach each client in one write."""

import asyncio
from typing import Protocol

from backends.engine.metrics import Metrics
from backends.engine.sequence import Event, Model, Sequence, Work


class Sink(Protocol):
    """Where the tokens of a sequence go; `flush` follows the last `take` of a step."""

    def take(self, index: int, event: Event) -> None: ...
    def cut(self, index: int) -> None: ...
    def flush(self) -> None: ...


class Teller(Protocol):
    """Tells others what has befallen the model's cache."""

    def publish(self) -> None: ...
    def close(self) -> None: ...


class Runner:
    """`speed` is how many of the model's seconds pass in one of the clock's."""

    def __init__(self, model: Model, metrics: Metrics, speed: float) -> None:
        self.model = model
        self.teller: Teller | None = None
        self.metrics = metrics
        self.sleep_level = 0
        self._speed = speed
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self._latest = 0.0
        self._sinks: dict[Sequence, tuple[Sink, int]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._due: float | None = None

    @property
    def in_flight(self) -> int:
        return len(self._sinks)

    def submit(self, works: list[Work], sink: Sink) -> list[Sequence]:
        """Queue works that belong together; their indices are their places in the list."""
        now = self._catch_up()
        sequences = [self.model.submit(work, now) for work in works]
        self._sinks.update((sequence, (sink, index)) for index, sequence in enumerate(sequences))
        self._arm()
        return sequences

    def abort(self, sequence: Sequence) -> None:
        if self._sinks.pop(sequence, None) is not None:
            self.model.abort(sequence)
            self.metrics.aborted()

    def sleep(self, level: int) -> None:
        self.sleep_level = level
        self._catch_up()
        for sequence in self.model.sleep():
            self.metrics.aborted()
            if (found := self._sinks.pop(sequence, None)) is not None:
                sink, index = found
                sink.cut(index)
                sink.flush()
        if self.teller is not None:
            self.teller.publish()
        self._arm()

    def wake(self) -> None:
        self.sleep_level = 0
        self.model.wake(self._now())
        self._arm()

    def stop(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self.teller is not None:
            self.teller.close()

    def _now(self) -> float:
        self._latest = max(self._latest, (self._loop.time() - self._start) * self._speed)
        return self._latest

    def _catch_up(self) -> float:
        now = self._now()
        touched: dict[Sink, None] = {}
        events = self.model.advance(now)
        if self.teller is not None:
            self.teller.publish()  # before anybody can answer to what the step brought
        for event in events:
            found = self._sinks.get(event.sequence)
            if found is None:
                continue
            if event.finished:
                del self._sinks[event.sequence]
            self.metrics.observe(event)
            sink, index = found
            sink.take(index, event)
            touched[sink] = None
        for sink in touched:
            sink.flush()
        return now

    def _fire(self) -> None:
        # A timer may ring half a millisecond early; waiting for the rest would spin.
        self._latest = max(self._latest, self._due or 0.0)
        self._timer = self._due = None
        self._catch_up()
        self._arm()

    def _arm(self) -> None:
        due = self.model.due
        if due == self._due:
            return
        if self._timer is not None:
            self._timer.cancel()
        self._due, self._timer = due, None
        if due is not None:
            self._timer = self._loop.call_at(self._start + due / self._speed, self._fire)
