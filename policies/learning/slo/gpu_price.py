"""The shadow price of a self-hosted GPU-second, in USD: zero while idle, up to the cloud's price when saturated.

One more request makes those beside it late about as likely as it is late itself. So what being late costs the pool's
recent requests, by the GPU-seconds they take, is what a GPU-second costs; none is worth more than the cloud asks. The
price rises within seconds and falls within tens of them: spilling empties the queue it was raised for, and a price
that fell as fast would spill in waves.
"""

from math import exp

import msgspec

from policies.learning.predict.residuals import ResidualWindow

UP = 2.0  # seconds
DOWN = 20.0
OTHERS = 0.3  # of one's own risk: what a request adds to that of the others. Measured: docs/policies.md
FEW = 10
IDLE = 60.0  # seconds without a request after which nothing is left of the price


class ShadowPrice(msgspec.Struct):
    """One pool's price, USD per GPU-second."""

    price: float = 0.0
    updated: float = 0.0
    risk: float = 0.0  # USD that being late costs the requests since ``updated``
    work: float = 0.0  # GPU-seconds that they take
    saved: ResidualWindow = msgspec.field(default_factory=ResidualWindow)  # cloud-USD per GPU-second of recent requests

    @property
    def most(self) -> float:
        """The price of a full pool: the 95th percentile of what a GPU-second would have cost in a cloud."""
        return self.saved.quantile(0.95) if len(self.saved) >= FEW else 0.0

    def offer(self, work: float, cloud: float, risk: float) -> None:
        """A request of ``work`` GPU-seconds arrived that a cloud would answer for ``cloud`` USD. ``risk``: the price of
        a miss times its chance of being late in the pool."""
        if work > 0.0:
            self.saved.observe(cloud / work)
            self.risk += risk
            self.work += work

    def at(self, now: float) -> float:
        """The price now, brought up to date each second."""
        passed = now - self.updated
        if passed < 1.0:
            return self.price
        wanted = min(OTHERS * self.risk / self.work, self.most) if self.work else 0.0
        passed = min(passed, IDLE)
        self.price = wanted + exp(-passed / (UP if wanted > self.price else DOWN)) * (self.price - wanted)
        self.updated, self.risk, self.work = now, 0.0, 0.0
        return self.price
