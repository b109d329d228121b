"""Two sums over the last seconds, a whole and a part of it, in two half windows that slide where one would jump."""

import msgspec


class HalfWindows(msgspec.Struct):
    """Call ``slide`` before reading or adding. ``whole`` and ``part`` are sums of the current half window."""

    whole: float = 0.0
    part: float = 0.0
    whole_before: float = 0.0  # the half window before
    part_before: float = 0.0
    half_ends: float = 0.0  # monotonic seconds

    def slide(self, now: float, window: float) -> None:
        """Start a new half window if the current one is over. ``window``: seconds of both halves."""
        if now >= self.half_ends:
            stale = now >= self.half_ends + window / 2
            self.whole_before, self.part_before = (0.0, 0.0) if stale else (self.whole, self.part)
            self.whole = self.part = 0.0
            self.half_ends = now + window / 2

    @property
    def sums(self) -> tuple[float, float]:
        """The whole and the part, of both halves."""
        return self.whole + self.whole_before, self.part + self.part_before
