"""Probes: recent times of an endpoint, each with the load it was seen at.

Prequal's replicas answer a probe with the median latency of recent requests that met a similar number in flight
(Wydrowski et al., NSDI 2024). An engine has no such probe, but each answer of ours is one.
"""

from statistics import median_low

import msgspec

KEPT = 16  # samples: Prequal's pool
AGE = 10.0  # seconds; Prequal's probes live for one, but ours come only as fast as answers do
NEAREST = 5  # samples whose median is taken


class Probe(msgspec.Struct, frozen=True, gc=False):
    """``seconds`` were met with ``in_flight`` requests there, at ``seen_at``."""

    seconds: float
    in_flight: int
    seen_at: float


class Probes(msgspec.Struct):
    """The newest samples of one endpoint, oldest first."""

    ring: list[Probe] = []

    def observe(self, seconds: float, in_flight: int, now: float) -> None:
        self.ring.append(Probe(seconds, in_flight, now))
        if len(self.ring) > KEPT:
            del self.ring[0]

    def at(self, in_flight: int, now: float) -> float | None:
        """Seconds to expect with ``in_flight`` there; None where no sample is young enough.

        The median of the samples nearest in load. Beyond the heaviest load seen it grows in proportion: what has not
        been tried is not taken for free.
        """
        young = [probe for probe in self.ring if now - probe.seen_at <= AGE]
        if not young:
            return None
        young.sort(key=lambda probe: abs(probe.in_flight - in_flight))
        near = young[:NEAREST]
        heaviest = max(probe.in_flight for probe in near)
        return median_low([probe.seconds for probe in near]) * max(1.0, (1 + in_flight) / (1 + heaviest))
