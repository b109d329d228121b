"""Requests or tokens in the last minute, in a sliding window of seconds."""

import msgspec

WINDOW = 60  # seconds: providers limit by the minute


class Rate(msgspec.Struct):
    """Amounts by the second they came in; ``observe`` and ``at`` take monotonic seconds."""

    total: float = 0.0
    second: int = 0  # the newest one held
    amounts: list[float] = msgspec.field(default_factory=lambda: [0.0] * WINDOW)

    def observe(self, amount: float, now: float) -> None:
        self._slide(int(now))
        self.amounts[self.second % WINDOW] += amount
        self.total += amount

    def at(self, now: float) -> float:
        """The amount of the last minute, without changing anything."""
        gone = min(int(now) - self.second, WINDOW)
        if gone <= 0:
            return self.total
        return self.total - sum(self.amounts[(self.second + n) % WINDOW] for n in range(1, gone + 1))

    def opens_in(self, limit: float, now: float) -> float:
        """Seconds until the amount of the last minute has fallen to ``limit`` or below, if nothing more comes."""
        left, second = self.at(now), int(now)
        for ahead in range(WINDOW):
            if left <= limit:
                return float(ahead)
            leaving = second - WINDOW + ahead + 1
            if leaving <= self.second:
                left -= self.amounts[leaving % WINDOW]
        return float(WINDOW)

    def _slide(self, second: int) -> None:
        for passed in range(self.second + 1, min(second, self.second + WINDOW) + 1):
            self.total -= self.amounts[passed % WINDOW]
            self.amounts[passed % WINDOW] = 0.0
        self.second = max(second, self.second)


class Rates(msgspec.Struct):
    """What one deployment was sent in the last minute."""

    requests: Rate = msgspec.field(default_factory=Rate)
    tokens: Rate = msgspec.field(default_factory=Rate)
