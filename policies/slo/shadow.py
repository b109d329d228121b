"""The shadow price. Rule: what a second of an own GPU is worth now, in USD: nothing while idle, the cloud's when full.

An integral controller on predicted occupancy. It rises within seconds and falls within tens of them: spilling empties
the queue it was raised for, and a price that fell as fast would spill in waves.
"""

from math import exp

import msgspec

from policies.predict.residuals import Ratios

TARGET = 0.85  # occupancy
UP = 2.0  # seconds
DOWN = 20.0
RATE_MEMORY = 5.0  # seconds over which admitted work is averaged
FEW = 10


class ShadowPrice(msgspec.Struct):
    """One pool's price. ``price``: USD per GPU-second; ``rate``: GPU-seconds of work admitted per second."""

    price: float = 0.0
    rate: float = 0.0
    updated: float = 0.0
    admitted: float = 0.0  # GPU-seconds since ``updated``
    saved: Ratios = msgspec.field(default_factory=Ratios)  # cloud-USD per GPU-second of recent requests

    @property
    def most(self) -> float:
        """The price of a full pool: the 95th percentile of what a GPU-second would have cost in a cloud."""
        return self.saved.quantile(0.95) if len(self.saved) >= FEW else 0.0

    def offer(self, work: float, cloud: float) -> None:
        """A request of ``work`` GPU-seconds arrived that a cloud would answer for ``cloud`` USD."""
        if work > 0.0:
            self.saved.observe(cloud / work)

    def admit(self, work: float) -> None:
        """The pool took it."""
        self.admitted += work

    def at(self, now: float, backlog: float, residence: float, replicas: int) -> float:
        """The price now, brought up to date. ``backlog``: GPU-seconds of all that is in flight; ``residence``: seconds
        a request stays, the horizon over which occupancy is predicted.

        What is in flight is half done on average, and of what arrives within the horizon half is done by its end.
        """
        passed = now - self.updated
        if passed < 1.0:
            return self.price
        if not self.updated:
            passed = 1.0
        keep = exp(-passed / RATE_MEMORY)
        self.rate = keep * self.rate + (1.0 - keep) * self.admitted / passed
        self.updated, self.admitted = now, 0.0
        occupancy = (backlog / max(residence, 0.1) + self.rate) / 2 / max(replicas, 1)
        most, error = self.most, occupancy - TARGET
        step = most * error / (1.0 - TARGET) * min(passed, 2.0) / (UP if error > 0 else DOWN)
        self.price = min(max(self.price + min(step, most), 0.0), most)
        return self.price
