"""The price of a miss. Rule: a service level is a share of all requests, so a miss costs what keeps the share."""

import msgspec

MINUTE = 60.0
FEW = 20  # answers in a minute under which its share says little
STEP = 0.1  # of the most, for a miss rate twice what is allowed
START = 2.0  # cloud costs that a miss is worth before anything is known
MOST = 50.0  # cloud costs


class MissPrice(msgspec.Struct):
    """One model's price, USD per missed target."""

    price: float = 0.0
    answered: int = 0
    missed: int = 0
    updated: float = 0.0
    cloud: float = 0.0  # USD of a typical request in a cloud
    ever: int = 0  # answered, and of those missed, since the start
    ever_missed: int = 0

    def offer(self, cloud: float) -> None:
        """A request arrived that a cloud would answer for ``cloud`` USD."""
        if not self.cloud:
            self.cloud, self.price = cloud, START * cloud
        self.cloud += 0.01 * (cloud - self.cloud)

    def observe(self, missed: bool) -> None:
        self.answered += 1
        self.missed += missed
        self.ever += 1
        self.ever_missed += missed

    def at(self, now: float, allowed: float) -> float:
        """The price now. ``allowed``: the share of misses that the service level permits."""
        if now - self.updated >= MINUTE and self.answered >= FEW:
            most = MOST * self.cloud
            excess = self.missed / self.answered / max(allowed, 1e-3) - 1.0
            self.price = min(max(self.price + STEP * most * min(max(excess, -1.0), 2.0), 0.0), most)
            self.answered = self.missed = 0
            self.updated = now
        return self.price
