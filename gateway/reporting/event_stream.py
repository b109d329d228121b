"""The console's event stream: one sample and one event a second for all viewers.

A viewer that reads slowly gets the newest event when it is ready, and those between never: nothing is queued for it.
"""

import asyncio
import traceback
from collections.abc import AsyncGenerator

import msgspec

from gateway import clock
from gateway.reporting import recent_requests as recent
from gateway.reporting.monitor import Monitor
from gateway.reporting.recent_requests import Recent
from gateway.reporting.report import Report
from gateway.reporting.traffic_stats import TICK, Point

SHOWN = 100  # recent requests that a viewer begins with
MORE = 30  # that an event brings
UNWATCHED = 5  # ticks between reports when nobody watches: alerts know since when they hold
MOST = 32  # viewers


class Event(msgspec.Struct, frozen=True):
    """What a viewer is told: everything now, the points of the past it lacks, and the newest requests."""

    report: Report
    points: list[Point]
    requests: list[Recent]


class EventStream:
    """Ticks until closed."""

    def __init__(self, monitor: Monitor) -> None:
        self._monitor = monitor
        self.viewers = 0
        self.ticks = 0
        self._event = b""
        self._next = asyncio.Event()
        self._closed = False
        self._at = clock.now()
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)

    @property
    def full(self) -> bool:
        return self.viewers >= MOST

    async def watch(self) -> AsyncGenerator[bytes, None]:
        """Server-sent events: the past (once more where some were missed), then each second."""
        self.viewers += 1
        try:
            seen: int | None = None
            while not self._closed:
                next_one, seen = seen is not None and self.ticks == seen + 1, self.ticks
                yield self._event if next_one else self._past()
                await self._next.wait()
        finally:
            self.viewers -= 1

    def close(self) -> None:
        """Viewers end."""
        self._timer.cancel()
        self._closed = True
        self._next.set()

    def _tick(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK, self._tick)
        try:
            self._sample()
        except Exception:  # the outermost frame: a defect must not end the ticking, nor anything else
            self._monitor.gateway.log.event("error", "defect", traceback.format_exc())

    def _sample(self) -> None:
        gateway, traffic, now = self._monitor.gateway, self._monitor.traffic, clock.now()
        traffic.sample(gateway.catalog, self._monitor.dropped(), now, clock.wall())
        self.ticks += 1
        if self.viewers:
            self._event = self._encoded("tick", [traffic.points[-1]], recent.newest(gateway, MORE, self._at))
            told, self._next = self._next, asyncio.Event()
            told.set()
        elif self.ticks % UNWATCHED == 0:
            self._monitor.report()
        self._at = now

    def _past(self) -> bytes:
        points = list(self._monitor.traffic.points)
        return self._encoded("hello", points, recent.newest(self._monitor.gateway, SHOWN))

    def _encoded(self, name: str, points: list[Point], requests: list[Recent]) -> bytes:
        body = msgspec.json.encode(Event(self._monitor.report(), points, requests))
        return b"event: %b\ndata: %b\n\n" % (name.encode(), body)
