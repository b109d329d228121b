"""Metric counters and fixed-bucket histograms of the process. Names and labels are added when they are read.

Labels are bounded: model, deployment and key names are the configuration's, what clients send as a model never is one.
"""

# compiled

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import TypeVar

from gateway.recording.instruments import DURATION, FIRST_TOKEN, OVERHEAD, PER_TOKEN, TOKENS
from policies.attempts.attempt_record import AttemptRecord
from policies.attempts.outcome import Outcome
from policies.learning.pace import pace
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Price, Usage

BATCH = 100  # outcomes; counting that many takes about 0.2 ms
#: What a request is counted by; those that are alike in all of it are counted together.
_ALIKE = attrgetter(
    "family", "model", "deployment", "key", "stream", "status", "fault", "policy", "signal", "reason", "attempts",
    "tries", "hedged", "queued", "usage.source", "spent", "broken", "recovered",
)  # fmt: skip
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
        counts, rising, below = self.counts, sorted(values), 0
        for index, bound in enumerate(self.bounds):
            within = bisect_right(rising, bound)
            counts[index] += within - below
            below = within
        counts[-1] += len(rising) - below
        self.sum += sum(rising)

    def copy(self) -> "Histogram":
        """A snapshot; the original keeps counting."""
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
        """Requests that are alike (see _ALIKE)."""
        one = outcomes[0]
        fault = one.fault
        _count(self.statuses, (one.status, fault.failure.name if fault is not None else ""), len(outcomes))
        durations = self.duration
        if fault is not None:
            durations = self.failed.setdefault(fault.failure.code, Histogram(DURATION))
        durations.add([each.finished - each.received for each in outcomes])
        if one.queued:
            self.queued.add([one.queued] * len(outcomes))
        begun = [each for each in outcomes if each.first_token]
        if begun:
            self.overhead.add([each.first_token - each.received - each.waited for each in begun])
        if one.stream and begun:
            self.first_token.add([each.first_token - each.received for each in begun])
        if one.usage.source == "upstream":
            usages = [each.usage for each in outcomes]
            self.prompt.add([usage.prompt for usage in usages])
            self.completion.add([usage.completion for usage in usages])
            self.cached += sum([usage.cached for usage in usages])
            if one.paced:
                paces = [pace(each.first_token, each.finished, each.usage.completion) for each in begun]
                self.per_token.add([each for each in paces if each is not None])


class Account:
    """Tokens and USD of one (model, deployment, key), as one source counted them. Parts stand within their whole."""

    __slots__ = ("cached", "completion", "prompt", "reasoning", "usd")

    def __init__(self) -> None:
        self.prompt = self.cached = self.completion = self.reasoning = 0
        self.usd = 0.0

    def add(self, usages: Sequence[Usage], usd: float) -> None:
        self.prompt += sum([usage.prompt for usage in usages])
        self.cached += sum([usage.cached for usage in usages])
        self.completion += sum([usage.completion for usage in usages])
        self.reasoning += sum([usage.reasoning for usage in usages])
        self.usd += usd


def no_price(_: str) -> Price | None:
    return None


class Metrics:
    """Every counter of the process. ``price``: what a deployment's tokens cost.

    Events are stored as they come and counted in batches, or when the counters are read: the counters and the code that
    moves them are fetched into the processor's caches once for many requests.
    """

    def __init__(self, price: Callable[[str], Price | None] = no_price) -> None:
        self._price = price
        self._series: dict[What, Series] = {}
        self.accounts: dict[tuple[str, str, str, str], Account] = {}  # model, deployment, key, source
        self.unpriced: dict[str, int] = {}
        self.decisions: dict[tuple[str, str, str, str], int] = {}  # model, policy, signal, reason
        self.retries: dict[tuple[str, str], int] = {}  # deployment, failure
        self.fallbacks: dict[tuple[str, str, str], int] = {}  # from, to, failure
        self.hedges: dict[tuple[str, str], int] = {}  # model, result
        self.mirrors: dict[str, int] = {}
        self.holds: dict[str, int] = {}  # by kind
        self.attempts: dict[tuple[str, str, str, str], int] = {}  # deployment, endpoint, family, result
        self.recoveries: dict[tuple[str, str], int] = {}  # model, mode
        self._outcomes: list[Outcome] = []  # not counted yet, nor are these:
        self._settled: list[tuple[tuple[str, str], str, Fault | None]] = []
        self.attempt = self._settled.append  # of an endpoint's id: (id, family, fault)

    def recovery(self, model: str, how: str) -> None:
        """A stream that broke after its first content: the mode that continued it, ``end``, or ``none``."""
        _count(self.recoveries, (model, how))

    def mirror(self, result: str) -> None:
        """Result of a mirrored copy: a status, or ``dropped``."""
        _count(self.mirrors, result)

    def hold(self, kind: str) -> None:
        """A request waits for something that is not its upstream's answer."""
        _count(self.holds, kind)

    def copied(self, outcome: Outcome) -> None:
        """A mirrored copy is over: no client waited for it, but its tokens cost the same."""
        self.mirror(str(outcome.status))
        self._spend([outcome], self._price(outcome.deployment))

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
        for (id, family, fault), times in Counter(self._settled).items():
            _count(self.attempts, (*id, family, fault.failure.name if fault is not None else "ok"), times)
        self._settled.clear()
        alike: dict[object, list[Outcome]] = {}
        for outcome, kind in zip(self._outcomes, map(_ALIKE, self._outcomes), strict=True):
            if kind in alike:
                alike[kind].append(outcome)
            else:
                alike[kind] = [outcome]
        for outcomes in alike.values():
            one = outcomes[0]
            what = (one.family, one.model, one.deployment)
            series = self._series.get(what)
            if series is None:
                series = self._series[what] = Series()
            series.add(outcomes)
            self._spend(outcomes, self._price(one.deployment))
            self._decided(one, len(outcomes))
        self._outcomes.clear()

    def _spend(self, outcomes: list[Outcome], price: Price | None) -> None:
        """Count tokens for the deployment that produced them. A recovered answer's are recorded for each attempt."""
        one = outcomes[0]
        if one.usage.source != "none" and not one.broken:
            usages = [each.usage for each in outcomes]
            usd = 0.0 if price is None else sum([usage.cost(price) for usage in usages])
            self._account((one.model, one.deployment, one.key, one.usage.source), usages, usd)
            if price is None:
                _count(self.unpriced, one.deployment, len(outcomes))
        for part in one.spent * len(outcomes):
            if part.usage.source != "none":
                self._account((one.model, part.deployment, one.key, part.usage.source), [part.usage], part.usd or 0.0)
                if part.usd is None:
                    _count(self.unpriced, part.deployment, 1)

    def _account(self, of: tuple[str, str, str, str], usages: Sequence[Usage], usd: float) -> None:
        account = self.accounts.get(of)
        if account is None:
            account = self.accounts[of] = Account()
        account.add(usages, usd)

    def _decided(self, one: Outcome, times: int) -> None:
        """``times`` requests like this one."""
        for _ in range(times if one.tries else 0):
            self._follow(one)
        if one.policy and (one.attempts > len(one.tries) or not one.attempts):  # else refused, or failed
            reason = one.reason if one.attempts else "no_place"
            _count(self.decisions, (one.model, one.policy, one.signal, reason), times)
        if one.hedged:
            _count(self.hedges, (one.model, one.hedged), times)

    def _follow(self, outcome: Outcome) -> None:
        """A request of more than one attempt."""
        before: AttemptRecord | None = None
        for each in sorted(outcome.tries, key=_began):
            _count(self.decisions, (outcome.model, outcome.policy, each.signal, each.reason))
            self._again(before, each.deployment, each.reason)
            before = each
        if outcome.attempts > len(outcome.tries):
            self._again(before, outcome.deployment, outcome.reason)

    def _again(self, before: AttemptRecord | None, deployment: str, reason: str) -> None:
        failure = before.end if before is not None else ""
        if reason == "retry":
            _count(self.retries, (deployment, failure))
        elif reason == "fallback":
            _count(self.fallbacks, (before.deployment if before is not None else "", deployment, failure))


def _began(tried: AttemptRecord) -> float:
    return tried.began


def _count(counts: dict[Key, int], key: Key, times: int = 1) -> None:
    counts[key] = counts.get(key, 0) + times


def caused_by(status: int, failure: str) -> str:
    """Who caused a failed request: ``client``, ``upstream`` or ``us``; empty where it succeeded."""
    if failure:
        return Failure[failure].caused_by.value
    if status < 400:
        return ""
    return "us" if status == 429 or status >= 500 else "client"
