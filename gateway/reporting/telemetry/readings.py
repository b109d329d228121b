"""Metric readings: all values at one moment, taken in one tick of the event loop.

What is not known is left out: unknown is not zero.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping

from gateway.catalog.catalog import Catalog
from gateway.proxy.context import Gateway
from gateway.recording import instruments as i
from gateway.recording.instruments import Instrument
from gateway.recording.metrics import Account, Histogram, Metrics, Series, caused_by
from gateway.reporting import traffic_counts
from gateway.reporting.telemetry.semconv import operation
from gateway.reporting.traffic_counts import spilled
from gateway.state.endpoints import Endpoints
from gateway.state.live_state import LiveState
from gateway.state.prompt_caches import PromptCaches
from policies.load.breaker import State
from policies.load.candidate import Candidate
from policies.load.load import FRESH, Load

Reading = tuple[Instrument, tuple[str, ...], float | Histogram]
Providers = Mapping[str, str]  # by deployment

OTHER = "other"  # a model that is not the configuration's
NONE = "none"  # no deployment, no key
QUANTILES = (0.1, 0.5, 0.9, 0.95)


def readings(gateway: Gateway, now: float) -> list[Reading]:
    """Everything, now."""
    gateway.metrics.fold()
    deployments = gateway.catalog.config.deployments
    found = [*requests(gateway.metrics, {name: each.provider.telemetry_name for name, each in deployments.items()})]
    found += spill(gateway.catalog, gateway.metrics)
    found += counted(gateway.metrics)
    found += endpoints(gateway.live.endpoints, now)
    found += cached(gateway.live.caches)
    found += cooling(gateway.live.endpoints.by_deployment.values(), now)
    found += foretold(gateway.live)
    found += judged(gateway.live)
    found += process(gateway)
    return found


def requests(metrics: Metrics, providers: Providers) -> Iterator[Reading]:
    """Of every (family, model, deployment)."""
    for (family, model, deployment), series in metrics.series().items():
        by = providers.get(deployment, OTHER if deployment else NONE)
        what = (operation(family), family, model or OTHER, by, deployment or NONE)
        for (status, failure), count in series.statuses.items():
            yield i.REQUESTS, (*what, str(status), failure, caused_by(status, failure)), count
        yield from _histograms(what, series)


def _histograms(what: tuple[str, ...], series: Series) -> Iterator[Reading]:
    for code, histogram in (("", series.duration), *series.failed.items()):
        if any(histogram.counts):
            yield i.OPERATION, (*what, code), histogram.copy()
    for type, histogram in (("input", series.prompt), ("output", series.completion)):
        if any(histogram.counts):
            yield i.USAGE, (*what, type), histogram.copy()
    for instrument, histogram in (
        (i.TTFT, series.first_token),
        (i.TPOT, series.per_token),
        (i.OVERHEAD_TIME, series.overhead),
        (i.QUEUED, series.queued),
    ):
        if any(histogram.counts):
            yield instrument, what, histogram.copy()


def spill(catalog: Catalog, metrics: Metrics) -> Iterator[Reading]:
    """Of models with engines of the user's own: requests answered, and those answered by a purchased deployment."""
    for model, (answered, bought) in spilled(catalog, traffic_counts.counted(metrics)).items():
        yield i.SPILLABLE, (model,), answered
        yield i.SPILLED, (model,), bought


def counted(metrics: Metrics) -> Iterator[Reading]:
    """Counters that stand as they are."""
    for (model, deployment, key, source), account in metrics.accounts.items():
        of = (model, deployment or NONE, key or NONE)
        for type, tokens in _tokens(account):
            yield i.TOKEN_COUNT, (*of, type, source), tokens
        yield i.COST, (*of, source), account.usd
    for instrument, counts in (
        (i.DECISIONS, metrics.decisions),
        (i.ATTEMPTS, metrics.attempts),
        (i.RETRIES, metrics.retries),
        (i.FALLBACKS, metrics.fallbacks),
        (i.HEDGES, metrics.hedges),
        (i.RECOVERIES, metrics.recoveries),
    ):
        for labels, count in counts.items():
            yield instrument, labels, count
    for deployment, count in metrics.unpriced.items():
        yield i.UNPRICED, (deployment,), count
    for kind, count in metrics.holds.items():
        yield i.HOLDS, (kind,), count
    for result, count in metrics.mirrors.items():
        yield i.MIRRORED, (result,), count


def _tokens(account: Account) -> tuple[tuple[str, int], ...]:
    return (
        ("input", account.prompt),
        ("cached_input", account.cached),
        ("output", account.completion),
        ("reasoning", account.reasoning),
    )


def endpoints(live: Endpoints, now: float) -> Iterator[Reading]:
    """Of every endpoint; what no fresh scrape says is left out."""
    for place, load in live.loads.items():
        yield i.UP, place, int(not load.down)
        yield i.AT_ENDPOINT, place, load.in_flight
        yield i.AT_ENDPOINT_TOKENS, place, load.in_flight_tokens
        if now - load.scraped_at <= FRESH:
            yield from _scraped(place, load)
        for family, breaker in load.breakers.items():
            current = breaker.at(now)
            for state in State:
                yield i.BREAKER, (*place, family, state.value), int(state is current)
    for name, pool in live.pools.items():
        if pool.shadow is not None:
            yield i.SHADOW, (name,), pool.shadow.price
            yield i.POOL_WORK, (name,), pool.work


def cooling(candidates: Iterable[tuple[Candidate, ...]], now: float) -> Iterator[Reading]:
    """How long each endpoint's quota still rests after a rate limit."""
    for each in candidates:
        for candidate in each:
            yield i.COOLING, candidate.id, max(0.0, candidate.domain.cooled_until - now)


def _scraped(place: tuple[str, str], load: Load) -> Iterator[Reading]:
    seen = load.scraped
    for instrument, value in (
        (i.RUNNING, seen.running),
        (i.WAITING, seen.waiting),
        (i.KV_USAGE, seen.kv_usage),
        (i.PREFIX_QUERIES, seen.prefix_queries),
        (i.PREFIX_HITS, seen.prefix_hits),
    ):
        if value is not None:
            yield instrument, place, value


def cached(caches: PromptCaches) -> Iterator[Reading]:
    """What told of engines' caches, where a policy asks for it."""
    for (model, signal), count in caches.signals.items():
        yield i.PREFIX_READS, (model, signal.value), count
    for place, precise in caches.of.items():
        mirror = precise.mirrors[place]
        yield i.KV_LIVE, place, int(mirror.state == "live")
        yield i.KV_BLOCKS, place, len(mirror.names)
        for cause, count in mirror.purges.items():
            yield i.KV_PURGES, (*place, cause), count
    for place, count in caches.garbage.items():
        yield i.KV_GARBAGE, place, count
    for labels, count in caches.prompts.items():
        yield i.KV_PROMPTS, labels, count


def foretold(live: LiveState) -> Iterator[Reading]:
    """What predictions were worth, where a policy asks for them."""
    for deployment, kind in live.predictions.classes.items():
        for name, quantity in (("first_token", kind.first), ("each_token", kind.each)):
            of = (deployment, name)
            calibration = quantity.calibration
            yield i.PREDICTIONS, of, calibration.seen
            yield i.PREDICTIONS_KEPT, of, calibration.kept
            if not calibration.seen:
                continue
            band = max(quantity.bands, key=lambda ratios: ratios.seen)
            for share in QUANTILES:
                yield i.PREDICTION_RATIO, (*of, f"{share:g}"), band.quantile(share)
    for model, verdicts in live.predictions.verdicts().items():
        yield i.SLO_ANSWERS, (model,), verdicts.streams
        yield i.SLO_MISSES, (model,), verdicts.missed
        yield i.SLO_ALLOWED, (model,), verdicts.allowed
        yield i.MISS_PRICE, (model,), verdicts.price


def judged(live: LiveState) -> Iterator[Reading]:
    """How hard prompts were, where a policy asks."""
    for model, threshold in live.judge.thresholds.items():
        yield i.JUDGED, (model, "true"), threshold.strong
        yield i.JUDGED, (model, "false"), threshold.judged - threshold.strong
        yield i.THRESHOLD, (model,), threshold.at()


def process(gateway: Gateway) -> Iterator[Reading]:
    """Of the gateway itself."""
    yield i.INFO, (gateway.version,), 1
    yield i.UPTIME, (), gateway.uptime()
    yield i.IN_FLIGHT, (), len(gateway.journeys)
    yield i.QUEUE, (), gateway.queue.waiting
    yield i.TASKS, (), len(asyncio.all_tasks())
    yield i.LOG_DROPPED, (), gateway.log.dropped
    yield i.COUNTED, ("exact",), gateway.token_counts.counted
    yield i.COUNTED, ("estimate",), gateway.token_counts.kept
    if gateway.ledger is not None:
        yield i.LEDGER_ROWS, (), gateway.ledger.written
        yield i.LEDGER_DROPPED, (), gateway.ledger.dropped
    if gateway.exporter is not None and gateway.tracer is not None:
        yield i.TRACES, (), gateway.exporter.exported
        yield i.TRACES_DROPPED, (), gateway.tracer.dropped
        yield i.TRACES_LEFT_OUT, (), gateway.tracer.left_out
        for signal, failed in gateway.exporter.failures.items():
            yield i.EXPORT_FAILURES, (signal,), failed
