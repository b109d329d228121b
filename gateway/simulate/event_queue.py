"""The event queue of virtual time; simultaneous events run in order."""

import heapq
from collections.abc import Callable
from typing import Any

Act = Callable[[float, Any], None]  # (now, the argument given)


class Agenda:
    """Things to happen, by time. ``now``: seconds since the simulation began."""

    def __init__(self) -> None:
        self.now = 0.0
        self._heap: list[tuple[float, int, Act, Any]] = []
        self._count = 0

    def at(self, when: float, act: Act, argument: Any) -> None:
        """``act(when, argument)`` happens then; what is past happens next."""
        self._count += 1
        heapq.heappush(self._heap, (max(when, self.now), self._count, act, argument))

    def run_until(self, end: float) -> None:
        """Let everything up to and at ``end`` happen."""
        heap = self._heap
        while heap and heap[0][0] <= end:
            self.now, _, act, argument = heapq.heappop(heap)
            act(self.now, argument)
        self.now = end

    def step(self) -> bool:
        """Let the next thing happen; False where there is none."""
        if not self._heap:
            return False
        self.now, _, act, argument = heapq.heappop(self._heap)
        act(self.now, argument)
        return True
