"""The circuit breaker of one endpoint and family.

Closed lets everything through, open nothing, half-open one probe at a time. An attempt is known by when it began: what
began before the breaker last moved says nothing of the endpoint as it is now.

    CLOSED --trip--> OPEN --cooled--> HALF_OPEN --ok--> CLOSED
                      ^------------------fail---'
"""

from enum import Enum

import msgspec

from policies.load.half_windows import HalfWindows
from policies.vocabulary.units import Percent, Positive, Timeout


class State(Enum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Signal(Enum):
    TRIP = "trip"
    COOLED = "cooled"
    OK = "ok"
    FAIL = "fail"


TRANSITIONS = {
    (State.CLOSED, Signal.TRIP): State.OPEN,
    (State.OPEN, Signal.COOLED): State.HALF_OPEN,
    (State.HALF_OPEN, Signal.OK): State.CLOSED,
    (State.HALF_OPEN, Signal.FAIL): State.OPEN,
}


class BreakerRules(msgspec.Struct, frozen=True, kw_only=True):
    """When an endpoint is closed to everybody, and for how long.

    failures: Failures in a row that open the breaker.
    error_rate: Share of failures within the window that opens it.
    min_requests: Requests within the window before the rate counts.
    window: Time over which the rate is taken.
    open_for: How long it stays open before one probe is let through.
    """

    failures: Positive = 5
    error_rate: Percent = 0.5
    min_requests: Positive = 10
    window: Timeout = 30.0
    open_for: Timeout = 10.0


class Breaker(msgspec.Struct):
    """One endpoint's breaker for one endpoint family."""

    rules: BreakerRules
    state: State = State.CLOSED
    row: int = 0  # failures in a row
    recent: HalfWindows = msgspec.field(default_factory=HalfWindows)  # attempts, and those that failed
    moved: float = float("-inf")  # when it last opened or closed
    probe: float | None = None  # when the probe under way began

    def at(self, now: float) -> State:
        """The state at ``now``, without changing it."""
        if self.state is State.OPEN and now >= self.moved + self.rules.open_for:
            return TRANSITIONS[State.OPEN, Signal.COOLED]
        return self.state

    def allows(self, now: float) -> bool:
        state = self.at(now)
        return state is State.CLOSED or (state is State.HALF_OPEN and self.probe is None)

    def enter(self, began: float) -> None:
        """An attempt begins; in half-open it is the probe, unless there is one."""
        if self.state is not State.CLOSED:
            self.state = self.at(began)
            if self.state is State.HALF_OPEN and self.probe is None:
                self.probe = began

    def prove(self, began: float, now: float) -> None:
        """An attempt has brought content. Of the probe that is enough: no need to wait for the end of a long answer."""
        if began == self.probe:
            self.observe(True, began, now)

    def observe(self, ok: bool | None, began: float, now: float) -> None:
        """An attempt ended: well, badly, or (None) in a way that says nothing of the endpoint."""
        probe = began == self.probe
        if probe:
            self.probe = None
        if ok is None:
            return
        if probe:
            self._move(Signal.OK if ok else Signal.FAIL, now)
        elif self.state is State.CLOSED and began >= self.moved:
            self._count(ok, now)
            if self._tripped():
                self._move(Signal.TRIP, now)

    def trip(self, began: float, now: float) -> None:
        """Open at once: the endpoint is not there."""
        if self.state is State.CLOSED:
            self._move(Signal.TRIP, now)
        else:
            self.observe(False, began, now)

    def _move(self, signal: Signal, now: float) -> None:
        self.state = TRANSITIONS[self.state, signal]
        self.moved = now
        self.row, self.recent = 0, HalfWindows(half_ends=self.recent.half_ends)

    def _count(self, ok: bool, now: float) -> None:
        self.recent.slide(now, self.rules.window)
        self.recent.whole += 1
        if ok:
            self.row = 0
        else:
            self.row += 1
            self.recent.part += 1

    def _tripped(self) -> bool:
        seen, failed = self.recent.sums
        return self.row >= self.rules.failures or (
            seen >= self.rules.min_requests and failed >= self.rules.error_rate * seen
        )
