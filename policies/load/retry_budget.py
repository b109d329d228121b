"""The retry budget: retries as a share of recent requests, with a floor, so that an outage is not multiplied."""

import msgspec

from policies.load.half_windows import HalfWindows
from policies.vocabulary.limits import RetryRules

WINDOW = 10.0  # seconds
FLOOR = 10  # retries per window that are always allowed, so that a quiet gateway can retry at all


class RetryBudget(msgspec.Struct):
    """Retries against one failure domain. ``recent``: requests, and retries."""

    share: float = RetryRules().budget
    recent: HalfWindows = msgspec.field(default_factory=HalfWindows)

    def request(self, now: float) -> None:
        """A first try was sent."""
        recent = self.recent
        if now >= recent.half_ends:  # for each request: a call that does nothing would cost more than the rest
            recent.slide(now, WINDOW)
        recent.whole += 1.0

    def take(self, now: float) -> bool:
        """Spend one retry if there is one."""
        self.recent.slide(now, WINDOW)
        requests, retries = self.recent.sums
        if retries >= max(FLOOR, self.share * requests):
            return False
        self.recent.part += 1
        return True
