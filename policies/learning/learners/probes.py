"""Recent latencies of an endpoint, each with the load at which it was measured.

Prequal's replicas answer a probe with the latency of recent requests that met a similar number in flight (Wydrowski et
al., NSDI 2024). An engine has no such probe, but each answer of ours is one. Loads are alike within a band: 0, 1, 2 to
3, 4 to 7, and so on.
"""

import msgspec

AGE = 10.0  # seconds; Prequal's probes live for one, but ours come only as fast as answers do
BANDS = 17  # up to 65,535 in flight
NEW = 0.25  # weight of a new sample in its band


class Probes(msgspec.Struct):
    """The mean of each band, the requests (itself included) that its samples met, and when it was last seen (monotonic
    seconds)."""

    seconds: list[float] = msgspec.field(default_factory=lambda: [0.0] * BANDS)
    met: list[float] = msgspec.field(default_factory=lambda: [1.0] * BANDS)
    seen_at: list[float] = msgspec.field(default_factory=lambda: [float("-inf")] * BANDS)

    def observe(self, seconds: float, in_flight: int, now: float) -> None:
        band, there = min(in_flight.bit_length(), BANDS - 1), 1.0 + in_flight
        young = now - self.seen_at[band] <= AGE
        mean, met = (self.seconds[band], self.met[band]) if young else (seconds, there)
        self.seconds[band] = mean + NEW * (seconds - mean)
        self.met[band] = met + NEW * (there - met)
        self.seen_at[band] = now

    def at(self, in_flight: int, now: float) -> float | None:
        """Seconds to expect with ``in_flight`` there; None where no sample is young enough.

        From the nearest band that was seen, in proportion to the requests there, within a band too: so each request
        that is sent makes its place dearer at once, and what has not been tried is not taken for free.
        """
        oldest, band = now - AGE, min(in_flight.bit_length(), BANDS - 1)
        if self.seen_at[band] >= oldest:
            return self.seconds[band] * (1 + in_flight) / self.met[band]
        for away in range(1, BANDS):
            for near in (band - away, band + away):
                if 0 <= near < BANDS and self.seen_at[near] >= oldest:
                    return self.seconds[near] * (1 + in_flight) / self.met[near]
        return None
