"""The output-length predictor: a distribution of answer lengths in tokens, learned from earlier answers.

Lengths are counted in buckets a quarter of an octave wide, with forgetting. A caller's hint (its max_tokens, say) has
its own counts, mixed with the model's until it has enough.
"""

from math import log2

import msgspec

HALF_LIFE = 500.0  # answers
ENOUGH = 20.0  # answers after which a hint's own counts weigh as much as its model's
PRIOR = 256  # tokens, before any answer was seen
BUCKETS = 4 * 20  # up to 2^20 tokens
_GROWTH = 0.5 ** (-1.0 / HALF_LIFE)
_MIDDLES: list[float] = [2.0 ** ((i + 0.5) / 4) for i in range(BUCKETS)]


class Lengths(msgspec.Struct):
    """Counts of one kind of answers. ``hint``: the wider kind it belongs to, asked where this one knows little."""

    counts: list[float] = msgspec.field(default_factory=lambda: [0.0] * BUCKETS)
    total: float = 0.0
    gain: float = 1.0

    def observe(self, tokens: int) -> None:
        self.counts[min(int(4 * log2(max(tokens, 1))), BUCKETS - 1)] += self.gain
        self.total += self.gain
        self.gain *= _GROWTH
        if self.gain > 1e9:
            self.counts = [count / self.gain for count in self.counts]
            self.total, self.gain = self.total / self.gain, 1.0

    @property
    def seen(self) -> float:
        """Answers, those of long ago counting less."""
        return self.total / self.gain

    def mean(self, limit: int | None = None) -> float:
        """Expected tokens, no answer longer than ``limit``."""
        most = float("inf") if limit is None else float(limit)
        if not self.total:
            return min(float(PRIOR), most)
        tokens = sum(count * min(middle, most) for count, middle in zip(self.counts, _MIDDLES, strict=True) if count)
        return tokens / self.total

    def quantile(self, share: float, limit: int | None = None) -> float:
        """The length that ``share`` (0..1) of the answers stay under."""
        most = float("inf") if limit is None else float(limit)
        wanted, below = share * self.total, 0.0
        for count, middle in zip(self.counts, _MIDDLES, strict=True):
            below += count
            if count and below >= wanted:
                return min(middle, most)
        return min(float(PRIOR), most)


def expected(own: Lengths | None, model: Lengths, limit: int | None = None) -> float:
    """Expected tokens by a hint's own lengths, as far as it has any, and its model's."""
    if own is None or not own.total:
        return model.mean(limit)
    trust = own.seen / (own.seen + ENOUGH)
    return trust * own.mean(limit) + (1.0 - trust) * model.mean(limit)
