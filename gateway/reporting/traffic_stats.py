"""Traffic statistics of the last minutes, sampled from counters once a second."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from itertools import islice
from math import ceil

import msgspec

from gateway.catalog.catalog import Catalog
from gateway.recording.metrics import Metrics
from gateway.reporting.cost_rate import Money, money, of_deployment
from gateway.reporting.traffic_counts import NOTHING, Count, Counts, by_deployment, counted, since
from gateway.state.ownership import is_own
from policies.attempts.outcome import Outcome
from policies.learning.slo.estimate import Slo
from policies.selection.scorers.slo_cost import SloCost

TICK = 1.0  # seconds between samples
WINDOW = 60  # seconds that rates and quantiles are taken over
KEPT = 300  # points of the past, one a second
SMOOTH = 5  # seconds that a point of the past is taken over: a single request is no trend
LOOKED = 512  # of them, the newest, that quantiles are read from: what a look costs is bounded
PEEKED = 128  # likewise, for a point of the past


class Quantiles(msgspec.Struct, frozen=True):
    """Seconds, of the newest ``count`` requests of the window."""

    p50: float
    p95: float
    p99: float
    count: int


class TrafficRate(msgspec.Struct, frozen=True):
    """What a deployment, or all of them, answered in the window. Rates are per second; ``failed`` and ``share`` (of all
    requests) 0..1; quantiles None where there was nothing to see."""

    requests: float = 0.0
    share: float = 0.0
    failed: float = 0.0
    prompt: float = 0.0
    completion: float = 0.0
    first_token: Quantiles | None = None
    per_token: Quantiles | None = None
    duration: Quantiles | None = None
    cost: float | None = None  # USD per hour; None: not known


class Level(msgspec.Struct, frozen=True):
    """How a model's streams meet its service level: the share that missed it, of how many, and what may."""

    missed: float
    streams: int
    allowed: float


class Point(msgspec.Struct, frozen=True):
    """One second of the past: requests and tokens per second, quantiles (p50, p95) in seconds, USD per hour."""

    time: float
    requests: dict[str, float]
    first_token: tuple[float, float] | None
    per_token: tuple[float, float] | None
    tokens: float
    cost: float
    all_cloud: float | None


class Dropped(msgspec.Struct, frozen=True):
    """What could not be written down."""

    requests: int = 0  # of the ledger
    lines: int = 0  # of the log


class Now(msgspec.Struct, frozen=True):
    """The window that ends now. ``spill``: of each model with engines of its own, the share that a cloud answered."""

    seconds: float = 0.0
    requests: int = 0
    total: TrafficRate = TrafficRate()
    flows: dict[str, TrafficRate] = {}
    money: Money = Money()
    spill: dict[str, float] = {}
    levels: dict[str, Level] = {}
    dropped: Dropped = Dropped()


class TrafficStats:
    """Samples of what was counted. ``recent``: requests that are over, newest last."""

    def __init__(self, metrics: Metrics, recent: deque[Outcome], now: float) -> None:
        self._metrics = metrics
        self._recent = recent
        self.points: deque[Point] = deque(maxlen=KEPT)
        self._samples: deque[tuple[float, Counts, Dropped]] = deque([(now, {}, Dropped())], maxlen=WINDOW + 1)

    def sample(self, catalog: Catalog, dropped: Dropped, now: float, wall: float) -> None:
        """Note where the counters stand; once a second. ``dropped``: since the start."""
        counts = counted(self._metrics)
        self._samples.append((now, counts, dropped))
        self._let_go(self._samples[-2][0])
        then, before, _ = self._samples[max(0, len(self._samples) - 1 - SMOOTH)]
        passed, seconds = since(counts, before), max(now - then, 1e-3)
        newest = list(newer(self._recent, then, PEEKED))
        spent = money(catalog, passed, seconds)
        self.points.append(
            Point(
                round(wall, 1),
                {name: short(each.requests / seconds) for name, each in by_deployment(passed).items()},
                _pair(quantiles(first_tokens(newest))),
                _pair(quantiles(per_tokens(newest))),
                short(sum(each.completion for each in passed.values()) / seconds),
                short(spent.total),
                None if spent.all_cloud is None else short(spent.all_cloud),
            )
        )

    def now(self, catalog: Catalog, dropped: Dropped, now: float) -> Now:
        """The window that ends now. ``dropped``: since the start."""
        then, before, gone = self._samples[0]
        passed, seconds = since(counted(self._metrics), before), max(now - then, 1e-3)
        newest, places = list(newer(self._recent, then, LOOKED)), by_deployment(passed)
        answered: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in newest:
            answered[outcome.deployment].append(outcome)
        total = NOTHING
        for each in places.values():
            total = total.plus(each)
        spent = money(catalog, passed, seconds)
        return Now(
            seconds,
            int(total.requests),
            flow(total, total, newest, seconds, spent.total),
            {
                name: flow(
                    places.get(name, NOTHING),
                    total,
                    answered[name],
                    seconds,
                    of_deployment(catalog, name, places.get(name, NOTHING), seconds),
                )
                for name in catalog.candidates
            },
            spent,
            spill(catalog, passed),
            levels(catalog, newest),
            Dropped(dropped.requests - gone.requests, dropped.lines - gone.lines),
        )

    def _let_go(self, since: float) -> None:
        """What upstreams said in refusals is for their clients, and may be long: it is not kept."""
        for outcome in newer(self._recent, since, len(self._recent)):
            if outcome.fault is not None and outcome.fault.body:
                outcome.fault = msgspec.structs.replace(outcome.fault, body=b"")


def newer(recent: deque[Outcome], than: float, most: int) -> Iterator[Outcome]:
    """Requests that ended since, the newest first."""
    for outcome in islice(reversed(recent), most):
        if outcome.finished < than:
            return
        yield outcome


def flow(count: Count, total: Count, newest: list[Outcome], seconds: float, cost: float | None) -> TrafficRate:
    return TrafficRate(
        count.requests / seconds,
        count.requests / total.requests if total.requests else 0.0,
        count.failed / count.requests if count.requests else 0.0,
        count.prompt / seconds,
        count.completion / seconds,
        quantiles(first_tokens(newest)),
        quantiles(per_tokens(newest)),
        quantiles(each.finished - each.received for each in newest if each.first_token),
        cost,
    )


def first_tokens(outcomes: Iterable[Outcome]) -> Iterator[float]:
    """Of streams: a whole answer's first token is its last."""
    return (each.first_token - each.received for each in outcomes if each.stream and each.first_token)


def per_tokens(outcomes: Iterable[Outcome]) -> Iterator[float]:
    """Where the upstream counted them; a recovered answer's pace is nobody's."""
    for each in outcomes:
        counted_there = each.usage.completion > 1 and each.usage.source == "upstream" and not each.recovered
        if each.stream and each.first_token and counted_there:
            yield (each.finished - each.first_token) / (each.usage.completion - 1)


def quantiles(values: Iterable[float]) -> Quantiles | None:
    """By nearest rank: each is a value that was seen."""
    ordered = sorted(values)
    if not ordered:
        return None
    p50, p95, p99 = (ordered[ceil(share * len(ordered)) - 1] for share in (0.5, 0.95, 0.99))
    return Quantiles(p50, p95, p99, len(ordered))


def spill(catalog: Catalog, counts: Counts) -> dict[str, float]:
    """The share of a model's requests that a cloud answered, of models that have engines of their own."""
    shares = {}
    for name in catalog.config.models:
        model = catalog.models[name]
        own = {c.deployment.name for tier in model.tiers for c in tier if is_own(c)}
        asked = {deployment: each.requests for (of, deployment), each in counts.items() if of == name and deployment}
        if own and asked:
            shares[name] = sum(n for deployment, n in asked.items() if deployment not in own) / sum(asked.values())
    return shares


def levels(catalog: Catalog, newest: list[Outcome]) -> dict[str, Level]:
    """Of each model whose policy has a target."""
    found = {}
    for name in catalog.config.models:
        scorers = catalog.models[name].policy.scorers
        target = next((each.slo for each in scorers if isinstance(each, SloCost)), Slo())
        late = [_late(each, target) for each in newest if each.model == name and each.stream and each.first_token]
        if late and (target.ttft is not None or target.tpot is not None):
            found[name] = Level(sum(late) / len(late), len(late), target.allowed)
    return found


def _late(outcome: Outcome, target: Slo) -> bool:
    limit = target.first(outcome.usage.prompt)
    if limit is not None and outcome.first_token - outcome.received > limit:
        return True
    return target.tpot is not None and any(pace > target.tpot for pace in per_tokens([outcome]))


def short(value: float) -> float:
    """Four digits: what a picture can show."""
    return float(f"{value:.4g}")


def _pair(found: Quantiles | None) -> tuple[float, float] | None:
    return None if found is None else (short(found.p50), short(found.p95))
