"""Windows of a history, each simulated by itself; their spread gives the confidence of the sum.

A long history is sampled: windows at equal distances, so that every hour of the day has its share. Bounds are of a
bootstrap over the windows (Efron 1979): nine of ten histories like this one would fall within.
"""

from collections.abc import Callable, Sequence

import msgspec

from gateway.catalog.ownership import pool_usd
from gateway.config import Config
from gateway.history.past_request import History
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import HOUR, Simulation
from gateway.simulate.trace import Trace
from policies.vocabulary.hashing import mix

WINDOWS = 24  # that a history is cut into, or more, so that one holds no more than LARGE
LARGE = 2_000  # requests
SMALL, FEWEST = 50, 8  # a short history is cut into fewer, since each begins with nothing learned and nothing cached
MOST = 20_000  # requests that are played
DRAWS = 400  # of the bootstrap
TAIL = 0.05  # left out on either side


class Window(msgspec.Struct, frozen=True):
    """A stretch of the history; ``trace`` None: nobody came."""

    seconds: float
    trace: Trace | None


class Bounds(msgspec.Struct, frozen=True):
    """A figure, and between what it lies nine times of ten."""

    value: float
    low: float
    high: float


class Trial(msgspec.Struct):
    """What became of each window under one policy and pool. ``per_hour``: USD of the pool."""

    per_hour: float = 0.0
    seconds: list[float] = []
    requests: list[int] = []
    cloud: list[float] = []
    good: list[float] = []
    spilled: list[float] = []
    lost: list[float] = []

    def hourly(self, seed: int = 0) -> Bounds:
        """USD an hour, pool and cloud."""
        return bounds(
            lambda of: self.per_hour + HOUR * _sum(self.cloud, of) / max(_sum(self.seconds, of), 1e-9), self, seed
        )

    def share(self, counts: Sequence[float], seed: int = 0) -> Bounds:
        """Of all requests."""
        return bounds(lambda of: _sum(counts, of) / max(_sum(self.requests, of), 1), self, seed)


def windows(history: History, most: int = MOST) -> list[Window]:
    count = max(FEWEST, min(WINDOWS, len(history.requests) // SMALL), len(history.requests) // LARGE + 1)
    start, length = history.requests[0].at, max(history.seconds, 1.0) / count
    cut: list[Window] = []
    rest = iter(history.requests)
    each = next(rest, None)
    for number in range(count):
        end, inside = start + (number + 1) * length, []
        while each is not None and (each.at < end or number == count - 1):
            inside.append(each)
            each = next(rest, None)
        trace = history.trace(inside, start + number * length) if inside else None
        cut.append(Window(length, trace))
    step = max(1, -(-len(history.requests) // most))
    return cut[step // 2 :: step] if step > 1 else cut


def play(
    config: Config, policy: str, cut: Sequence[Window], options: Options, seed: int, done: Callable[[int], None]
) -> Trial:
    """``done`` is told of requests as they have been played."""
    trial = Trial(per_hour=pool_usd(config, options.replicas))
    for number, window in enumerate(cut):
        trial.seconds.append(window.seconds)
        if window.trace is None:
            for counts in (trial.requests, trial.cloud, trial.good, trial.spilled, trial.lost):
                counts.append(0)
            continue
        world = Simulation(config, policy, window.trace, options, mix(seed, number))
        world.run(lambda _: None)
        tally = world.tally
        trial.requests.append(tally.requests)
        trial.cloud.append(tally.cloud_usd)
        trial.good.append(tally.good)
        trial.spilled.append(tally.spilled)
        trial.lost.append(tally.rejected + tally.errors)
        done(tally.requests)
    return trial


def bounds(figure: Callable[[Sequence[int]], float], trial: Trial, seed: int) -> Bounds:
    """``figure`` of windows drawn with replacement, again and again."""
    count = len(trial.seconds)
    drawn = sorted(figure([mix(seed, draw * count + n) % count for n in range(count)]) for draw in range(DRAWS))
    at = int(TAIL * DRAWS)
    return Bounds(figure(range(count)), drawn[at], drawn[-1 - at])


def saving(before: Trial, after: Trial, seed: int) -> Bounds:
    """USD an hour less, window by window: what both have in common does not blur it."""
    spent = [a - b for a, b in zip(before.cloud, after.cloud, strict=True)]
    pool = before.per_hour - after.per_hour
    return bounds(lambda of: pool + HOUR * _sum(spent, of) / max(_sum(before.seconds, of), 1e-9), before, seed)


def _sum(counts: Sequence[float], of: Sequence[int]) -> float:
    return sum(counts[n] for n in of)
