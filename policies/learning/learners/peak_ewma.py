"""Peak EWMA: a moving average that follows a slow sample at once and decays with time.

After Finagle's and Linkerd's balancers: a sample above the estimate replaces it, one below moves it by the share of
the decay time that has passed. Here a peak decays to a slower mean and not to nothing, since an endpoint that was quiet
for a while would look free and be flooded.
"""

from math import exp

import msgspec

DECAY = 10.0  # seconds in which a peak falls to 1/e; Finagle's own default
MEMORY = 60.0  # seconds after which what was learned counts for 1/e: an endpoint unheard of is tried again


class PeakEwma(msgspec.Struct):
    """Seconds. ``observe`` and ``at`` take monotonic seconds."""

    peak: float = 0.0
    mean: float = 0.0
    seen_at: float = float("-inf")

    def observe(self, seconds: float, now: float) -> None:
        if self.seen_at == float("-inf"):
            self.peak = self.mean = seconds
        else:
            kept = exp(-max(0.0, now - self.seen_at) / DECAY)
            self.peak = seconds if seconds > self.at(now) else self.peak * kept + seconds * (1.0 - kept)
            held = exp(-max(0.0, now - self.seen_at) / MEMORY)
            self.mean = self.mean * min(held, 0.95) + seconds * max(1.0 - held, 0.05)
        self.seen_at = now

    def at(self, now: float) -> float:
        """The estimate; nought where nothing was seen."""
        return self.mean + (self.peak - self.mean) * exp(-max(0.0, now - self.seen_at) / DECAY)
