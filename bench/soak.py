"""The soak. Rule: memory is flat when its slope after two minutes is, whatever its level."""

import statistics
import subprocess
import time
from collections.abc import Callable

import msgspec

from bench.load import Result
from bench.measure import FaultyRun, Seat
from bench.process import ROOT, python

SETTLING = 120.0  # seconds until bounded stores are taken as full
PIECE = 30  # seconds of one load run; connections turn over between runs
PATTERNS = (
    ("rate", "--rate=300", f"--seconds={PIECE}"),
    ("streams", "--connections=100", "--chunks=50", "--interval-ms=50", f"--repeats={PIECE * 1000 // 2500}"),
)


class Soak(msgspec.Struct, frozen=True):
    name: str
    minutes: float
    rss_first_mib: float
    rss_last_mib: float
    slope_mib_per_minute: float
    requests: int
    chunks: int


def soak(seat: Seat, minutes: float, tell: Callable[[str], None]) -> Soak:
    """Mixed load for `minutes`, RSS read each second; any fault ends it."""
    assert seat.process
    requests = chunks = 0
    points: list[tuple[float, float]] = []
    started = time.monotonic()
    while (elapsed := time.monotonic() - started) < minutes * 60:
        tell(f"soak {seat.name}: {elapsed / 60:.1f} of {minutes:g} minutes, RSS {seat.process.rss_mib():.1f} MiB")
        for result in watch(seat, points, started):
            requests += result.requests
            chunks += result.chunks
    counted = [point for point in points if point[0] >= SETTLING]
    slope = statistics.linear_regression([at for at, _ in counted], [rss for _, rss in counted]).slope
    return Soak(seat.name, minutes, counted[0][1], counted[-1][1], slope * 60, requests, chunks)


def watch(seat: Seat, points: list[tuple[float, float]], started: float) -> list[Result]:
    assert seat.process
    headers = [f"--header={header}" for header in seat.headers]
    runs = [
        subprocess.Popen(python("bench.load", pattern, seat.url, *options, *headers), cwd=ROOT, stdout=subprocess.PIPE)
        for pattern, *options in PATTERNS
    ]
    try:
        while any(run.poll() is None for run in runs):
            points.append((time.monotonic() - started, seat.process.rss_mib()))
            time.sleep(1)
        results = [msgspec.json.decode(run.communicate()[0], type=Result) for run in runs]
    finally:
        for run in runs:
            run.kill()
            run.wait()
    for result in results:
        if result.faults:
            raise FaultyRun(f"soak: {result.faults}")
    return results
