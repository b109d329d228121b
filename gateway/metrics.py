"""Metrics. Rule: plain counters and fixed buckets in the process; what they are called is told elsewhere, when asked.

Labels are bounded: model, deployment and key names are the configuration's, what clients send as a model never is one.
"""

from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from gateway.telemetry.instruments import DURATION, FIRST_TOKEN, OVERHEAD, PER_TOKEN, TOKENS
from policies.failure import Fault
from policies.tries import Try
from policies.types import Outcome, Price, Usage

BATCH = 32  # outcomes; counting that many takes less than 0.1 ms
What = tuple[str, str, str]  # family, model, deployment
Key = TypeVar("Key")


class Histogram:
    """Counts by bucket, and the sum."""

    __slots__ = ("bounds", "counts", "sum")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self.bounds = bounds
        self.counts = [0] * (len(bounds) + 1)
        self.sum = 0.0

    def add(self, values: Sequence[float]) -> None:
        counts, bounds = self.counts, self.bounds
        for value in values:
            counts[bisect_left(bounds, value)] += 1
        self.sum += sum(values)

    def copy(self) -> "Histogram":
        """As it stands now: the original goes on counting."""
        made = Histogram(self.bounds)
        made.counts, made.sum = self.counts.copy(), self.sum
        return made


class Series:
    """What is counted of one (family, model, deployment). ``failed``: durations by the code of the failure."""

    __slots__ = (
        "cached", "completion", "duration", "failed", "first_token", "overhead", "per_token", "prompt",
        "queued", "statuses",
    )  # fmt: skip

    def __init__(self) -> None:
        self.statuses: dict[tuple[int, str], int] = {}  # by status and name of the failure
        self.duration = Histogram(DURATION)
        self.failed: dict[str, Histogram] = {}
        self.first_token = Histogram(FIRST_TOKEN)
        self.per_token = Histogram(PER_TOKEN)
        self.overhead = Histogram(OVERHEAD)
        self.queued = Histogram(FIRST_TOKEN)
        self.prompt = Histogram(TOKENS)
        self.completion = Histogram(TOKENS)
        self.cached = 0

    def add(self, outcomes: list[Outcome]) -> None:
        for each in outcomes:
            status = (each.status, each.fault.failure.name if each.fault is not None else "")
            self.statuses[status] = self.statuses.get(status, 0) + 1
            if each.fault is not None:
                code = each.fault.failure.code
                self.failed.setdefault(code, Histogram(DURATION)).add([each.finished - each.received])
            if each.queued:
                self.queued.add([each.queued])
        begun = [each for each in outcomes if each.first_token]
        streams = [each for each in begun if each.stream]
        self.duration.add([each.finished - each.received for each in outcomes if each.fault is None])
        self.overhead.add([each.first_token - each.received - each.waited for each in begun])
        self.first_token.add([each.first_token - each.received for each in streams])
        usages = [each.usage for each in outcomes if each.usage.source == "upstream"]
        self.prompt.add([usage.prompt for usage in usages])
        self.completion.add([usage.completion for usage in usages])
        self.cached += sum(usage.cached for usage in usages)
        self.per_token.add(
            [
                (each.finished - each.first_token) / (each.usage.completion - 1)
                for each in streams
                if each.usage.completion > 1 and each.usage.source == "upstream" and not each.recovered
            ]
        )


class Account:
    """Tokens and USD of one (model, deployment, key), as one source counted them. Parts stand within their whole."""

    __slots__ = ("cached", "completion", "prompt", "reasoning", "usd")

    def __init__(self) -> None:
        self.prompt = self.cached = self.completion = self.reasoning = 0
        self.usd = 0.0

    def add(self, usage: Usage, usd: float) -> None:
        self.prompt += usage.prompt
        self.cached += usage.cached
        self.completion += usage.completion
        self.reasoning += usage.reasoning
        self.usd += usd


def no_price(_: str) -> Price | None:
    return None


class Metrics:
    """Every counter of the process. ``price``: what a deployment's tokens cost.

    What happened is kept as it comes and counted in batches, or when somebody asks: the counters and the code that
    moves them are fetched into the processor's caches once for many requests.
    """

    def __init__(self, price: Callable[[str], Price | None] = no_price) -> None:
        self._price = price
        self._series: dict[What, Series] = {}
        self.accounts: dict[tuple[str, str, str, str], Account] = {}  # model, deployment, key, source
        self.unpriced: dict[str, int] = {}
        self.decisions: dict[tuple[str, str, str, str], int] = {}  # model, policy, rung, reason
        self.retries: dict[tuple[str, str], int] = {}  # deployment, failure
        self.fallbacks: dict[tuple[str, str, str], int] = {}  # from, to, failure
        self.hedges: dict[tuple[str, str], int] = {}  # model, result
        self.mirrors: dict[str, int] = {}
        self.attempts: dict[tuple[str, str, str, str], int] = {}  # deployment, endpoint, family, result
        self.recoveries: dict[tuple[str, str], int] = {}  # model, mode
        self._outcomes: list[Outcome] = []  # not counted yet, nor are these:
        self._settled: list[tuple[tuple[str, str], str, Fault | None]] = []
        self.attempt = self._settled.append  # of an endpoint's id: (id, family, fault)

    def recovery(self, model: str, how: str) -> None:
        """A stream that broke after its first content: the mode by which it went on, ``end``, or ``none``."""
        _count(self.recoveries, (model, how))

    def mirror(self, result: str) -> None:
        """What became of a mirrored copy: a status, or ``dropped``."""
        _count(self.mirrors, result)

    def record(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        if len(self._outcomes) >= BATCH:
            self.fold()

    def series(self) -> Mapping[What, Series]:
        """Everything counted of requests, by (family, model, deployment)."""
        self.fold()
        return self._series

    def fold(self) -> None:
        """Count what has come."""
        for id, family, fault in self._settled:
            _count(self.attempts, (*id, family, fault.failure.name if fault is not None else "ok"))
        self._settled.clear()
        alike: dict[What, list[Outcome]] = {}
        for outcome in self._outcomes:
            alike.setdefault((outcome.family, outcome.model, outcome.deployment), []).append(outcome)
        for what, outcomes in alike.items():
            series = self._series.get(what)
            if series is None:
                series = self._series[what] = Series()
            series.add(outcomes)
            self._spend(outcomes, self._price(what[2]))
            self._decided(outcomes)
        self._outcomes.clear()

    def _spend(self, outcomes: list[Outcome], price: Price | None) -> None:
        """Tokens to whoever produced them. A recovered answer's are its attempts', noted each."""
        for each in outcomes:
            usage = each.usage
            if usage.source != "none" and not each.recovered:
                usd = 0.0 if price is None else usage.cost(price)
                self._account((each.model, each.deployment, each.key, usage.source), usage, usd)
                if price is None:
                    _count(self.unpriced, each.deployment)
            for part in each.spent:
                self._account((each.model, part.deployment, each.key, part.usage.source), part.usage, part.usd)

    def _account(self, of: tuple[str, str, str, str], usage: Usage, usd: float) -> None:
        account = self.accounts.get(of)
        if account is None:
            account = self.accounts[of] = Account()
        account.add(usage, usd)

    def _decided(self, outcomes: list[Outcome]) -> None:
        for each in outcomes:
            if each.tries:
                self._follow(each)
            if each.policy and (each.attempts > len(each.tries) or not each.attempts):  # else refused, or failed
                reason = each.reason if each.attempts else "no_place"
                _count(self.decisions, (each.model, each.policy, each.rung, reason))
            if each.hedged:
                _count(self.hedges, (each.model, each.hedged))

    def _follow(self, outcome: Outcome) -> None:
        """A request of more than one attempt."""
        before: Try | None = None
        for each in sorted(outcome.tries, key=_began):
            _count(self.decisions, (outcome.model, outcome.policy, each.rung, each.reason))
            self._again(before, each.deployment, each.reason)
            before = each
        if outcome.attempts > len(outcome.tries):
            self._again(before, outcome.deployment, outcome.reason)

    def _again(self, before: Try | None, deployment: str, reason: str) -> None:
        failure = before.end if before is not None else ""
        if reason == "retry":
            _count(self.retries, (deployment, failure))
        elif reason == "fallback":
            _count(self.fallbacks, (before.deployment if before is not None else "", deployment, failure))


def _began(tried: Try) -> float:
    return tried.began


def _count(counts: dict[Key, int], key: Key) -> None:
    counts[key] = counts.get(key, 0) + 1
