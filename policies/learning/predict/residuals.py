"""Prediction errors as ratios actual / predicted, and the uncertainty that follows from them.

Quantiles are those of the last ratios; a level is then shifted by what chosen attempts showed (adaptive conformal
inference: Gibbs and Candes, "Adaptive conformal inference under distribution shift", 2021), since the smallest of
several predictions is more often an under-estimate than any one of them.
"""

from bisect import bisect_right, insort

import msgspec

from policies.vocabulary.quantile import interpolated

SIZE = 256
LEVELS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_P95 = LEVELS.index(0.95)
RATE = 0.01  # how far one outcome moves a level


class ResidualWindow(msgspec.Struct):
    """The last ``SIZE`` ratios."""

    ring: list[float] = []
    order: list[float] = []  # the same, sorted
    at: int = 0
    seen: int = 0  # ever

    def __len__(self) -> int:
        return len(self.ring)

    def observe(self, ratio: float) -> None:
        self.seen += 1
        if len(self.ring) < SIZE:
            self.ring.append(ratio)
        else:
            del self.order[bisect_right(self.order, self.ring[self.at]) - 1]
            self.ring[self.at] = ratio
            self.at = (self.at + 1) % SIZE
        insort(self.order, ratio)

    def quantile(self, level: float) -> float:
        """The ratio that a share ``level`` (0..1) of them stays under; at least one is there."""
        position = min(max(level * (len(self.order) + 1) - 1, 0.0), len(self.order) - 1.0)
        return interpolated(self.order, position)

    @property
    def spread(self) -> float:
        """One standard deviation: half of what two thirds of them lie within."""
        last = len(self.order) - 1
        return (self.order[int(0.84 * last)] - self.order[int(0.16 * last)]) / 2

    def share(self, ratio: float) -> float:
        """The share of them at or under ``ratio``, never quite 0 or 1: the inverse of ``quantile``."""
        order = self.order
        if ratio >= order[-1]:  # as most are, while nothing is late
            return 1.0 - 0.5 / (len(order) + 1)
        above = bisect_right(order, ratio)
        if above == 0:
            return 0.5 / (len(order) + 1)
        low, high = order[above - 1], order[above]
        return (above + (ratio - low) / (high - low)) / (len(order) + 1)

    def beyond(self, ratio: float) -> float:
        """What a ratio known to be more than ``ratio`` probably is: the median of those beyond it."""
        above = bisect_right(self.order, ratio)
        return ratio * 1.5 if above == len(self.order) else self.order[(above + len(self.order)) // 2]


class Calibration(msgspec.Struct):
    """Which level to ask for, so that the share wanted is the share seen."""

    levels: list[float] = msgspec.field(default_factory=lambda: list(LEVELS))
    seen: int = 0  # outcomes
    kept: int = 0  # of those, within the 95th percentile

    def level(self, share: float) -> float:
        """The level to read a quantile at, for it to hold in ``share`` of the cases."""
        return _interpolate(share, LEVELS, self.levels)

    def share(self, level: float) -> float:
        """The share of cases that a level's quantile holds in: the inverse."""
        last = self.levels[-1]
        if level > last:
            return LEVELS[-1] + (1.0 - LEVELS[-1]) * (level - last) / (1.0 - last)
        return _interpolate(level, self.levels, LEVELS)

    def observe(self, level: float) -> None:
        """The outcome of a chosen attempt stood at this level of its own prediction."""
        self.seen += 1
        self.kept += level <= self.levels[_P95]
        below = 0.001
        for i, share in enumerate(LEVELS):
            moved = self.levels[i] + RATE * (share - (level <= self.levels[i]))
            below = self.levels[i] = min(max(moved, below), 0.999)


def _interpolate(x: float, xs: tuple[float, ...] | list[float], ys: tuple[float, ...] | list[float]) -> float:
    """Piecewise linear through (0, 0), the points and (1, 1); xs rise."""
    i = bisect_right(xs, x)
    if i == 0:
        return ys[0] * x / xs[0]
    x0, y0 = xs[i - 1], ys[i - 1]
    x1, y1 = (xs[i], ys[i]) if i < len(xs) else (1.0, 1.0)
    return y0 if x1 <= x0 else y0 + (y1 - y0) * (x - x0) / (x1 - x0)
