"""Traffic statistics of the last minutes, sampled from counters once a second."""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice

import msgspec

from gateway.catalog.catalog import Catalog
from gateway.recording.metrics import Metrics
from gateway.reporting.cost_rate import Members, Money, money, of_deployment
from gateway.reporting.traffic_counts import NOTHING, Count, Counts, by_deployment, counted, since, spilled
from gateway.state.predictions import Predictions, Verdicts
from policies.attempts.outcome import Outcome
from policies.vocabulary.quantile import quantile

FAILING = 0.05  # share of requests that failed
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
    failing: bool = False  # so many failed that it is an alert


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


Sample = tuple[float, Counts, Dropped, Mapping[str, Verdicts]]  # the moment, and where the counters stood


class TrafficStats:
    """Samples of what was counted. ``recent``: requests that are over, newest last."""

    def __init__(
        self, metrics: Metrics, predictions: Predictions, members: Members, recent: deque[Outcome], now: float
    ) -> None:
        self._metrics = metrics
        self._predictions = predictions
        self._members = members
        self._recent = recent
        self.points: deque[Point] = deque(maxlen=KEPT)
        self._samples: deque[Sample] = deque([(now, {}, Dropped(), {})], maxlen=WINDOW + 1)

    def sample(self, catalog: Catalog, dropped: Dropped, now: float, wall: float) -> None:
        """Note where the counters stand; once a second. ``dropped``: since the start."""
        counts = counted(self._metrics)
        self._samples.append((now, counts, dropped, self._predictions.verdicts()))
        self._let_go(self._samples[-2][0])
        then, before, *_ = self._samples[max(0, len(self._samples) - 1 - SMOOTH)]
        passed, seconds = since(counts, before), max(now - then, 1e-3)
        newest = list(newer(self._recent, then, PEEKED))
        spent = money(catalog, self._members, passed, seconds)
        self.points.append(
            Point(
                time=round(wall, 1),
                requests={name: short(each.requests / seconds) for name, each in by_deployment(passed).items()},
                first_token=_pair(quantiles(first_tokens(newest))),
                per_token=_pair(quantiles(per_tokens(newest))),
                tokens=short(sum(each.completion for each in passed.values()) / seconds),
                cost=short(spent.total),
                all_cloud=None if spent.all_cloud is None else short(spent.all_cloud),
            )
        )

    def now(self, catalog: Catalog, dropped: Dropped, now: float) -> Now:
        """The window that ends now. ``dropped``: since the start."""
        then, before, gone, verdicts = self._samples[0]
        passed, seconds = since(counted(self._metrics), before), max(now - then, 1e-3)
        newest, places = list(newer(self._recent, then, LOOKED)), by_deployment(passed)
        answered: dict[str, list[Outcome]] = defaultdict(list)
        for outcome in newest:
            answered[outcome.deployment].append(outcome)
        total = NOTHING
        for each in places.values():
            total = total.plus(each)
        spent = money(catalog, self._members, passed, seconds)
        return Now(
            seconds=seconds,
            requests=int(total.requests),
            total=flow(total, total, newest, seconds, spent.total),
            flows={
                name: flow(
                    places.get(name, NOTHING),
                    total,
                    answered[name],
                    seconds,
                    of_deployment(catalog, self._members, name, places.get(name, NOTHING), seconds),
                )
                for name in catalog.topology.deployments
            },
            money=spent,
            spill={name: bought / all for name, (all, bought) in spilled(catalog, passed).items()},
            levels=levels(self._predictions.verdicts(), verdicts),
            dropped=Dropped(dropped.requests - gone.requests, dropped.lines - gone.lines),
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
    failed = count.failed / count.requests if count.requests else 0.0
    return TrafficRate(
        requests=count.requests / seconds,
        share=count.requests / total.requests if total.requests else 0.0,
        failed=failed,
        prompt=count.prompt / seconds,
        completion=count.completion / seconds,
        first_token=quantiles(first_tokens(newest)),
        per_token=quantiles(per_tokens(newest)),
        duration=quantiles(each.finished - each.received for each in newest if each.first_token),
        cost=cost,
        failing=failed >= FAILING,
    )


def first_tokens(outcomes: Iterable[Outcome]) -> Iterator[float]:
    """Of streams: a whole answer's first token is its last."""
    return (each.first_token - each.received for each in outcomes if each.stream and each.first_token)


def per_tokens(outcomes: Iterable[Outcome]) -> Iterator[float]:
    return (pace for each in outcomes if (pace := each.pace) is not None)


def quantiles(values: Iterable[float]) -> Quantiles | None:
    ordered = sorted(values)
    p50, p95, p99 = (quantile(ordered, share) for share in (0.5, 0.95, 0.99))
    if p50 is None or p95 is None or p99 is None:
        return None
    return Quantiles(p50=p50, p95=p95, p99=p99, count=len(ordered))


def levels(verdicts: Mapping[str, Verdicts], before: Mapping[str, Verdicts]) -> dict[str, Level]:
    """Of each model whose policy has a target: the streams measured since."""
    found = {}
    for name, now in verdicts.items():
        then = before.get(name, Verdicts())
        streams = now.streams - then.streams
        if streams:
            found[name] = Level(missed=(now.missed - then.missed) / streams, streams=streams, allowed=now.allowed)
    return found


def short(value: float) -> float:
    """Four digits: what a picture can show."""
    return float(f"{value:.4g}")


def _pair(found: Quantiles | None) -> tuple[float, float] | None:
    return None if found is None else (short(found.p50), short(found.p95))
