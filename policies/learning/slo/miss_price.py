"""The price of an SLO miss, in USD, adjusted so that the configured share of requests meets the target.

It moves by a factor, and never to nothing: what quiet hours earned may be spent in busy ones, but not all at once.
"""

from math import exp

import msgspec

MINUTE = 60.0
FEW = 20  # answers in a minute under which its share says little
STEP = 0.1  # of the price, for each minute without a miss
EXCESS = 4.0  # times what is allowed: more misses than that raise it no faster
START = 0.25  # a usual request is bought where it is four times as likely to be late as is allowed
LEAST, MOST = 0.1, 10.0


class MissPrice(msgspec.Struct):
    """One model's price, USD per missed target."""

    price: float = 0.0
    level: float = START  # the price, in what a request costs in a cloud over the share of misses that is allowed
    answered: int = 0
    missed: int = 0
    updated: float = 0.0
    cloud: float = 0.0  # USD of a typical request in a cloud

    def offer(self, cloud: float) -> None:
        """A request arrived that a cloud would answer for ``cloud`` USD."""
        if not self.cloud:
            self.cloud = cloud
        self.cloud += 0.01 * (cloud - self.cloud)

    def observe(self, missed: bool) -> None:
        self.answered += 1
        self.missed += missed

    def at(self, now: float, allowed: float) -> float:
        """The price now. ``allowed``: the share of misses that the service level permits."""
        allowed = max(allowed, 1e-3)
        if now - self.updated >= MINUTE and self.answered >= FEW:
            excess = self.missed / self.answered / allowed - 1.0
            self.level = min(max(self.level * exp(STEP * min(excess, EXCESS)), LEAST), MOST)
            self.answered = self.missed = 0
            self.updated = now
        self.price = self.level * self.cloud / allowed
        return self.price
