"""When a second attempt is worth sending: the first is late by its own history, a rival is likely to be faster, the
pool has room, and the hedge budget lasts.

Dean and Barroso, "The Tail at Scale" (CACM 2013): send again after the 95th percentile; the rest are the limits that
keep a hedge from becoming the load it flees.
"""

import msgspec

from policies.attempts.wait_history import Waits
from policies.load.candidate import Candidate
from policies.load.half_windows import HalfWindows
from policies.vocabulary.types import Price
from policies.vocabulary.units import Percent

LATE = 0.95  # the quantile after which an attempt is late
BUSY = 0.7  # share of a pool in use above which nothing is added to it
CORRELATED = 0.2  # share of waiting attempts beyond their quantile: then all is slow, and another place is no faster
WINDOW = 300.0  # seconds over which the budget is a share


class HedgeRules(msgspec.Struct, frozen=True, kw_only=True):
    """A second attempt before the first has answered.

    enabled: Whether late attempts are hedged.
    budget: Most that hedges may cost, as a share of the primary's spend and work over five minutes.
    """

    enabled: bool = False
    budget: Percent = 0.02


class Work(msgspec.Struct, frozen=True, gc=False):
    """What an attempt costs: tokens it makes an engine work for, and USD where they are paid by the token."""

    tokens: float
    usd: float = 0.0


def work(prompt_tokens: int, price: Price | None) -> Work:
    """Of a prompt: the loser of two attempts is stopped when the other one speaks, so that is what a second adds."""
    return Work(prompt_tokens, prompt_tokens * price.input / 1e6 if price is not None else 0.0)


class HedgeBudget(msgspec.Struct):
    """Second attempts as a share of first ones, by the tokens they make engines work for and by the USD they cost."""

    share: float = HedgeRules().budget
    tokens: HalfWindows = msgspec.field(default_factory=HalfWindows)
    usd: HalfWindows = msgspec.field(default_factory=HalfWindows)

    def first(self, made: Work, now: float) -> None:
        """A first attempt was sent."""
        self._slide(now)
        self.tokens.whole += made.tokens
        self.usd.whole += made.usd

    def take(self, made: Work, now: float) -> bool:
        """Spend on a second attempt, if both its work and its spend stay within the share.

        Where no first attempt is paid by the token there is no spend to be a share of, and the work decides alone.
        """
        self._slide(now)
        first, second = self.tokens.sums
        first_usd, second_usd = self.usd.sums
        too_much_spend = first_usd > 0 and second_usd + made.usd > self.share * first_usd
        if second + made.tokens > self.share * first or too_much_spend:
            return False
        self.tokens.part += made.tokens
        self.usd.part += made.usd
        return True

    def _slide(self, now: float) -> None:
        self.tokens.slide(now, WINDOW)
        self.usd.slide(now, WINDOW)


class Waiting(msgspec.Struct, frozen=True):
    """Attempts that wait for their first content now, and how many of them are late."""

    all: int
    late: int


def worth(elapsed: float, own: Waits | None, rival: Waits | None, waiting: Waiting, place: Candidate) -> bool:
    """Whether a second attempt at ``place`` is likely to answer first. ``elapsed``: seconds the first has waited."""
    late = own.quantile(LATE) if own is not None else None
    median = rival.quantile(0.5) if rival is not None else None
    if own is None or late is None or median is None or elapsed <= late:
        return False
    if waiting.late > CORRELATED * waiting.all and waiting.late > 1:
        return False
    residual = own.residual(elapsed)
    return residual is not None and residual > median and use(place) <= BUSY


def use(place: Candidate) -> float:
    """The share of a pool that is in use: of its ``max_concurrency``, else of the engine's cache; unknown is none."""
    limit = place.deployment.max_concurrency
    if limit is not None:
        return place.pool.in_flight / limit
    return place.load.scraped.kv_usage or 0.0
