"""The prefill backlog: prompt tokens that an engine still has to compute, estimated from what was sent and answered.

An engine computes prompts in the order they came. So the time since the last first token has gone into the oldest one
still without, at the rate that earlier ones showed.
"""

from collections import OrderedDict

import msgspec

FADE = 0.95  # of what is known of the rate, at each new sample: some twenty requests count


class Backlog(msgspec.Struct):
    """One endpoint's uncached prompt tokens without content yet, by request in order of sending."""

    owed: OrderedDict[int, float] = msgspec.field(default_factory=OrderedDict)
    total: float = 0.0  # tokens
    since: float = 0.0  # when the oldest came to be the oldest
    computed: float = 0.0  # tokens, and
    spent: float = 0.0  # the seconds they took; both fading

    def at(self, now: float) -> float:
        """Tokens still to compute."""
        if not self.owed:
            return 0.0
        oldest = next(iter(self.owed.values()))
        return self.total - min(oldest, (now - self.since) * self.rate)

    @property
    def rate(self) -> float:
        """Tokens a second; 0 until something was computed."""
        return self.computed / self.spent if self.spent else 0.0

    def add(self, request: int, tokens: float, now: float) -> None:
        if not self.owed:
            self.since = now
        self.owed[request] = tokens
        self.total += tokens

    def observe(self, request: int, done: bool, now: float) -> None:
        """A request has brought content (``done``), or will not."""
        tokens = self.owed.get(request)
        if tokens is None:
            return
        if next(iter(self.owed)) == request:
            if done:
                self.computed = FADE * self.computed + tokens
                self.spent = FADE * self.spent + now - self.since
            self.since = now
        del self.owed[request]
        self.total = self.total - tokens if self.owed else 0.0
