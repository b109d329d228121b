"""A token bucket that never refuses: a caller that is early reserves its turn and gets the seconds to wait.

The bucket of Turner's leaky-bucket meter, drawn into debt by reservations, as in the generic cell rate algorithm.
"""

import msgspec


class TokenBucket(msgspec.Struct):
    """Fills by ``rate`` a second up to ``burst``; ``level`` is below zero while reservations are outstanding."""

    rate: float
    burst: float
    level: float = 0.0
    at: float = float("-inf")  # monotonic seconds of ``level``

    def wait(self, amount: float, now: float) -> float:
        """Seconds until ``amount`` may be drawn; more than a whole burst counts as one."""
        return max(0.0, (min(amount, self.burst) - self._level(now)) / self.rate)

    def reserve(self, amount: float, now: float) -> float:
        """Draw ``amount`` and return the seconds to wait before it is used."""
        seconds = self.wait(amount, now)
        self.level, self.at = self._level(now) - min(amount, self.burst), now
        return seconds

    def _level(self, now: float) -> float:
        if self.at == float("-inf"):
            return self.burst
        return min(self.burst, self.level + (now - self.at) * self.rate)
