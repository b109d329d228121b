"""A model with one fixed token rate whatever the load, for benches of the gateway alone."""

import heapq
import math

from backends.engine.sequence import Counters, Event, Sequence, Work

TICK = 0.005  # seconds; streams due within one tick share one timer


class Pacer:
    kv_usage = 0.0
    waiting = 0

    def __init__(self, tokens_per_second: float) -> None:
        self.counters = Counters()
        self.asleep = False
        self.running = 0
        self._period = 1 / tokens_per_second
        self._heap: list[tuple[float, int, Sequence]] = []
        self._submitted = 0

    @property
    def due(self) -> float | None:
        if self.asleep or not self._heap:
            return None
        first = self._heap[0][0]
        return max(first, math.ceil(first / TICK) * TICK)  # the product may round to just before it

    def submit(self, work: Work, now: float) -> Sequence:
        sequence = Sequence(work, now, admitted=now)
        self.running += 1
        self._submitted += 1
        heapq.heappush(self._heap, (now, self._submitted, sequence))
        return sequence

    def abort(self, sequence: Sequence) -> None:
        if not sequence.done:
            sequence.done = True
            self.running -= 1

    def advance(self, now: float) -> list[Event]:
        events: list[Event] = []
        while not self.asleep and self._heap and self._heap[0][0] <= now:
            at, number, sequence = self._heap[0]
            if sequence.done:
                heapq.heappop(self._heap)
                continue
            event = sequence.step(at)
            events.append(event)
            if event.finished:
                self.running -= 1
            else:
                heapq.heapreplace(self._heap, (at + self._period, number, sequence))
        return events

    def sleep(self) -> list[Sequence]:
        aborted = [sequence for _, _, sequence in self._heap if not sequence.done]
        for sequence in aborted:
            self.abort(sequence)
        self._heap.clear()
        self.asleep = True
        return aborted

    def wake(self, now: float) -> None:
        self.asleep = False
