"""A window of recent waits of one kind. Quantiles are read from the samples themselves, never from a fitted curve.

Samples are of the past, so what is asked is conditional: how much longer, given that so much has passed already.
"""

from bisect import bisect_right

import msgspec
from msgspec import field

from policies.learning.predict.residuals import ResidualWindow

ENOUGH = 20  # samples before a 95th percentile says anything


class Waits(msgspec.Struct):
    """Seconds to the first content (or the whole answer), of one endpoint and one kind of request."""

    samples: ResidualWindow = field(default_factory=ResidualWindow)  # of seconds to one second

    def observe(self, seconds: float) -> None:
        self.samples.observe(seconds)

    def quantile(self, q: float) -> float | None:
        """The quantile, 0 < q < 1; None: too few samples to tell."""
        return self.samples.quantile(q) if len(self.samples) >= ENOUGH else None

    def residual(self, elapsed: float) -> float | None:
        """Mean of what was still to wait among those that had waited ``elapsed``; None: too few samples at all.

        Past every sample a wait is taken to last as long again (Lindy's rule: all that is known of it is its age).
        """
        if len(self.samples) < ENOUGH:
            return None
        longer = self.samples.order[bisect_right(self.samples.order, elapsed) :]
        return sum(longer) / len(longer) - elapsed if longer else elapsed


Kind = tuple[str, bool, int]


def kind(family: str, stream: bool, prompt_tokens: int) -> Kind:
    """Requests whose waits are alike: prompts within a factor of eight."""
    return family, stream, max(0, prompt_tokens.bit_length() - 7) // 3
