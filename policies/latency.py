"""Latency. Rule: the last waits of one kind, kept as they were; quantiles are read off them, never off a fitted curve.

Samples are of the past, so what is asked is conditional: how much longer, given that so much has passed already.
"""

from bisect import bisect_right, insort

import msgspec

RING = 256  # samples; about the last minutes of a busy endpoint
ENOUGH = 20  # samples before a 95th percentile says anything


class Waits(msgspec.Struct):
    """Seconds to the first content (or the whole answer), of one endpoint and one kind of request."""

    ring: list[float] = []  # msgspec copies an empty default for each instance
    ranked: list[float] = []
    next: int = 0

    def observe(self, seconds: float) -> None:
        if len(self.ring) < RING:
            self.ring.append(seconds)
        else:
            oldest, self.ring[self.next] = self.ring[self.next], seconds
            del self.ranked[bisect_right(self.ranked, oldest) - 1]
            self.next = (self.next + 1) % RING
        insort(self.ranked, seconds)

    def quantile(self, q: float) -> float | None:
        """The nearest-rank quantile, 0 < q < 1; None: too few samples to tell."""
        if len(self.ranked) < ENOUGH:
            return None
        return self.ranked[min(len(self.ranked) - 1, int(q * len(self.ranked)))]

    def residual(self, elapsed: float) -> float | None:
        """Mean of what was still to wait among those that had waited ``elapsed``; None: too few samples at all.

        Past every sample a wait is taken to last as long again (Lindy's rule: all that is known of it is its age).
        """
        if len(self.ranked) < ENOUGH:
            return None
        longer = self.ranked[bisect_right(self.ranked, elapsed) :]
        return sum(longer) / len(longer) - elapsed if longer else elapsed


def kind(family: str, stream: bool, prompt_tokens: int) -> tuple[str, bool, int]:
    """Requests whose waits are alike: prompts within a factor of eight."""
    return family, stream, max(0, prompt_tokens.bit_length() - 7) // 3
