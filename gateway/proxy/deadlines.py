"""Deadlines: one periodic tick checks every attempt, so that no attempt arms timers of its own."""

import asyncio
from typing import Protocol

from gateway import clock

TICK = 0.05  # seconds: the resolution of every timeout


class HasDeadline(Protocol):
    """Something that is late after ``deadline`` and at an end after ``total`` (monotonic seconds)."""

    deadline: float
    total: float

    def expire(self, now: float) -> None: ...


class Deadlines:
    """Expires what is late."""

    def __init__(self) -> None:
        self._watched: set[HasDeadline] = set()
        self.ticks = 0
        self._loop = asyncio.get_running_loop()
        self._timer = self._loop.call_later(TICK, self._tick)
        self.add = self._watched.add
        self.discard = self._watched.discard

    def _tick(self) -> None:
        self._timer = self._loop.call_later(TICK, self._tick)  # first, so that no defect below can stop the watch
        self.ticks += 1
        now = clock.now()
        for each in [each for each in self._watched if each.deadline < now or each.total < now]:
            try:
                each.expire(now)
            except Exception as error:  # a defect of one costs it its watch, and the others nothing
                self._watched.discard(each)
                self._loop.call_exception_handler({"message": "what was late could not be ended", "exception": error})

    def close(self) -> None:
        self._timer.cancel()
