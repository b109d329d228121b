"""Calibration of predictions: how many attempts took no longer than each predicted quantile."""

import msgspec

from policies.learning.predict.latency import Prediction
from policies.learning.predict.residuals import LEVELS

Quantiles = tuple[float, ...]  # seconds, a quantile for each of LEVELS, as predicted when the attempt was made


def told(prediction: Prediction) -> Quantiles:
    return tuple(prediction.quantile(level) for level in LEVELS)


class Coverage(msgspec.Struct):
    """Accuracy of predictions. ``error``: of the median, as a share of the actual value, summed."""

    attempts: int = 0
    held: list[int] = msgspec.field(default_factory=lambda: [0] * len(LEVELS))
    error: float = 0.0

    def observe(self, quantiles: Quantiles, seconds: float) -> None:
        self.attempts += 1
        self.error += abs(quantiles[LEVELS.index(0.5)] - seconds) / seconds
        for i, quantile in enumerate(quantiles):
            self.held[i] += seconds <= quantile

    def shares(self) -> dict[float, float]:
        """By quantile, the share of the attempts that it held for; 0.9 should hold for 0.9 of them."""
        return {level: count / max(self.attempts, 1) for level, count in zip(LEVELS, self.held, strict=True)}

    def since(self, earlier: "Coverage") -> "Coverage":
        """Of the attempts after an earlier state of it."""
        held = [now - then for now, then in zip(self.held, earlier.held, strict=True)]
        return Coverage(self.attempts - earlier.attempts, held, self.error - earlier.error)
