"""Everything learned from one endpoint's answers about its speed.

Kept only where a policy in force asks for it. An error counts as a sample too, at the time limit it would have met: an
endpoint that fails fast must not look quick.
"""

from math import exp

import msgspec

from policies.learning.learners.peak_ewma import MEMORY, PeakEwma
from policies.learning.learners.probes import Probes
from policies.learning.pace import SHORTEST


class Timing(msgspec.Struct):
    """One kind of time: its mean, the newest by the load they met, and the requests that the last one met."""

    ewma: PeakEwma = msgspec.field(default_factory=PeakEwma)
    probes: Probes = msgspec.field(default_factory=Probes)
    met: float = 1.0

    def observe(self, seconds: float, in_flight: int, now: float) -> None:
        self.ewma.observe(seconds, now)
        self.probes.observe(seconds, in_flight, now)
        self.met = 1.0 + in_flight

    def at(self, in_flight: int, now: float) -> float:
        """Seconds to expect with ``in_flight`` requests there; nought where nothing was ever seen."""
        probed = self.probes.at(in_flight, now)
        return self.ewma.at(now) * (1 + in_flight) / self.met if probed is None else probed


class Speed(msgspec.Struct):
    """Seconds to a stream's ``first`` content, to a ``whole`` answer that is not streamed, and by output ``token``
    (over the whole answer, as its client sees it). Never mixed."""

    first: Timing = msgspec.field(default_factory=Timing)
    whole: Timing = msgspec.field(default_factory=Timing)
    token: Timing = msgspec.field(default_factory=Timing)
    heard_at: float = float("-inf")

    def observe(self, stream: bool, seconds: float, in_flight: int, now: float) -> None:
        """A client had something in hand after so many seconds."""
        self.latency(stream).observe(seconds, in_flight, now)
        self.heard_at = now

    def answered(self, tokens: int, seconds: float, in_flight: int, now: float) -> None:
        """A whole answer of so many output tokens took so long."""
        if tokens >= SHORTEST:
            self.token.observe(seconds / tokens, in_flight, now)

    def latency(self, stream: bool) -> Timing:
        """What was learned from requests of this kind."""
        return self.first if stream else self.whole

    def trust(self, now: float) -> float:
        """How much all this still counts, from 1 (just heard of) to 0 (never)."""
        return exp((self.heard_at - now) / MEMORY)
