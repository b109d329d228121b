"""The retry budget: retries as a share of recent requests, with a floor, so that an outage is not multiplied."""

import msgspec

from policies.vocabulary.limits import RetryRules

WINDOW = 10.0  # seconds
FLOOR = 10  # retries per window that are always allowed, so that a quiet gateway can retry at all


class RetryBudget(msgspec.Struct):
    """Retries against one failure domain, over two half windows (see Breaker)."""

    share: float = RetryRules().budget
    requests: int = 0
    retries: int = 0
    requests_before: int = 0
    retries_before: int = 0
    half_ends: float = 0.0

    def request(self, now: float) -> None:
        """A first try was sent."""
        if now >= self.half_ends:
            self._slide(now)
        self.requests += 1

    def take(self, now: float) -> bool:
        """Spend one retry if there is one."""
        if now >= self.half_ends:
            self._slide(now)
        allowed = max(FLOOR, self.share * (self.requests + self.requests_before))
        if self.retries + self.retries_before >= allowed:
            return False
        self.retries += 1
        return True

    def _slide(self, now: float) -> None:
        stale = now >= self.half_ends + WINDOW / 2
        self.requests_before, self.retries_before = (0, 0) if stale else (self.requests, self.retries)
        self.requests = self.retries = 0
        self.half_ends = now + WINDOW / 2
