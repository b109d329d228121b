"""Metrics. Rule: plain counters and fixed buckets in the process; text is made only when somebody asks for it.

Labels are bounded: model and deployment names are the configuration's, what clients send as a model never is one.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence

from gateway.cache_metrics import cache_lines
from gateway.live import Live
from policies.failure import Fault
from policies.load import FRESH
from policies.types import Outcome

# Buckets of the OpenTelemetry GenAI conventions.
DURATION = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
FIRST_TOKEN = (0.001, 0.005, 0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0)
TOKENS = (1, 4, 16, 64, 256, 1024, 4096, 16384, 65536, 262144, 1048576, 4194304, 16777216, 67108864)
OVERHEAD = (0.00005, 0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.5, 1.0)
BATCH = 32  # outcomes; counting that many takes less than 0.1 ms


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

    def lines(self, name: str, labels: str) -> Iterator[str]:
        total = 0
        for bound, count in zip((*map(str, self.bounds), "+Inf"), self.counts, strict=True):
            total += count
            yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
        yield f"{name}_sum{{{labels}}} {self.sum:.9g}"
        yield f"{name}_count{{{labels}}} {total}"


class Series:
    """What is counted of one (family, model, deployment)."""

    __slots__ = ("cached", "completion", "duration", "first_token", "overhead", "prompt", "statuses")

    def __init__(self) -> None:
        self.statuses: dict[tuple[int, str], int] = {}
        self.duration = Histogram(DURATION)
        self.first_token = Histogram(FIRST_TOKEN)
        self.overhead = Histogram(OVERHEAD)
        self.prompt = Histogram(TOKENS)
        self.completion = Histogram(TOKENS)
        self.cached = 0

    def add(self, outcomes: list[Outcome]) -> None:
        for each in outcomes:
            status = (each.status, each.fault.failure.name if each.fault is not None else "")
            self.statuses[status] = self.statuses.get(status, 0) + 1
        begun = [each for each in outcomes if each.first_token]
        usages = [each.usage for each in outcomes if each.usage.source == "upstream"]
        self.duration.add([each.finished - each.received for each in outcomes])
        self.overhead.add([each.first_token - each.received - each.waited for each in begun])
        self.first_token.add([each.first_token - each.received for each in begun if each.stream])
        self.prompt.add([usage.prompt for usage in usages])
        self.completion.add([usage.completion for usage in usages])
        self.cached += sum(usage.cached for usage in usages)


class Metrics:
    """Every counter of the process.

    What happened is kept as it comes and counted in batches, or when somebody asks: the counters and the code that
    moves them are fetched into the processor's caches once for many requests.
    """

    def __init__(self) -> None:
        self._series: dict[tuple[str, str, str], Series] = {}
        self._mirrors: dict[str, int] = {}
        self._attempts: dict[tuple[str, str, str, str], int] = {}
        self._recoveries: dict[tuple[str, str], int] = {}
        self._outcomes: list[Outcome] = []  # not counted yet, nor are these:
        self._settled: list[tuple[tuple[str, str], str, Fault | None]] = []
        self.attempt = self._settled.append  # of an endpoint's id: (id, family, fault)

    def recovery(self, model: str, how: str) -> None:
        """A stream that broke after its first content: the mode by which it went on, ``end``, or ``none``."""
        self._recoveries[model, how] = self._recoveries.get((model, how), 0) + 1

    def mirror(self, result: str) -> None:
        """What became of a mirrored copy: a status, or ``dropped``."""
        self._mirrors[result] = self._mirrors.get(result, 0) + 1

    def record(self, outcome: Outcome) -> None:
        self._outcomes.append(outcome)
        if len(self._outcomes) >= BATCH:
            self._count()

    def _count(self) -> None:
        for id, family, fault in self._settled:
            key = (*id, family, fault.failure.name if fault is not None else "ok")
            self._attempts[key] = self._attempts.get(key, 0) + 1
        self._settled.clear()
        alike: dict[tuple[str, str, str], list[Outcome]] = {}
        for outcome in self._outcomes:
            alike.setdefault((outcome.family, outcome.model, outcome.deployment), []).append(outcome)
        for labels, outcomes in alike.items():
            self._series.setdefault(labels, Series()).add(outcomes)
        self._outcomes.clear()

    def text(self, live: Live, now: float, active: int, log_dropped: int) -> str:
        """The Prometheus exposition."""
        self._count()
        lines = [*self._request_lines(), *self._attempt_lines(), *_live_lines(live, now)]
        lines += cache_lines(live.caches)
        if self._mirrors:
            lines.append("# TYPE cloverleaf_mirrored_total counter")
        lines += [f'cloverleaf_mirrored_total{{result="{result}"}} {n}' for result, n in self._mirrors.items()]
        lines += ["# TYPE cloverleaf_requests_in_flight gauge", f"cloverleaf_requests_in_flight {active}"]
        lines += ["# TYPE cloverleaf_log_dropped_total counter", f"cloverleaf_log_dropped_total {log_dropped}"]
        return "\n".join(lines) + "\n"

    def _request_lines(self) -> Iterator[str]:
        yield "# TYPE cloverleaf_requests_total counter"
        for key, series in self._series.items():
            for (status, failure), count in series.statuses.items():
                yield f'cloverleaf_requests_total{{{_labels(key)},status="{status}",failure="{failure}"}} {count}'
        yield "# TYPE cloverleaf_cached_tokens_total counter"
        for key, series in self._series.items():
            yield f"cloverleaf_cached_tokens_total{{{_labels(key)}}} {series.cached}"
        for name, attribute, extra in _HISTOGRAMS:
            if not extra or extra.endswith('"input"'):
                yield f"# TYPE {name} histogram"
            for key, series in self._series.items():
                yield from getattr(series, attribute).lines(name, _labels(key) + extra)

    def _attempt_lines(self) -> Iterator[str]:
        yield "# TYPE cloverleaf_attempts_total counter"
        for (deployment, endpoint, family, result), count in self._attempts.items():
            labels = f'deployment="{_quoted(deployment)}",endpoint="{_quoted(endpoint)}",family="{family}"'
            yield f'cloverleaf_attempts_total{{{labels},result="{result}"}} {count}'
        yield "# TYPE cloverleaf_recoveries_total counter"
        for (model, how), count in self._recoveries.items():
            labels = f'gen_ai_request_model="{_quoted(model)}",mode="{how}"'
            yield f"cloverleaf_recoveries_total{{{labels}}} {count}"


_HISTOGRAMS = (
    ("gen_ai_client_operation_duration_seconds", "duration", ""),
    ("gen_ai_server_time_to_first_token_seconds", "first_token", ""),
    ("cloverleaf_overhead_seconds", "overhead", ""),
    ("gen_ai_client_token_usage", "prompt", ',gen_ai_token_type="input"'),
    ("gen_ai_client_token_usage", "completion", ',gen_ai_token_type="output"'),
)


def _labels(key: tuple[str, str, str]) -> str:
    family, model, deployment = key
    return f'family="{family}",gen_ai_request_model="{_quoted(model)}",deployment="{_quoted(deployment)}"'


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _live_lines(live: Live, now: float) -> Iterator[str]:
    """Gauges of every endpoint. What no fresh scrape says is left out: unknown is not zero."""
    rows: dict[str, list[str]] = {}
    for (deployment, endpoint), load in live.loads.items():
        labels = f'deployment="{_quoted(deployment)}",endpoint="{_quoted(endpoint)}"'
        scraped = load.scraped if now - load.scraped_at <= FRESH else None
        values = {
            "up": float(not load.down),
            "in_flight": float(load.in_flight),
            "in_flight_tokens": float(load.in_flight_tokens),
            "running": scraped.running if scraped else None,
            "waiting": scraped.waiting if scraped else None,
            "kv_usage_ratio": scraped.kv_usage if scraped else None,
        }
        for name, value in values.items():
            if value is not None:
                rows.setdefault(name, []).append(f"cloverleaf_endpoint_{name}{{{labels}}} {value:g}")
        for family, breaker in load.breakers.items():
            line = f'cloverleaf_endpoint_breaker_open{{{labels},family="{family}"}} {int(not breaker.allows(now))}'
            rows.setdefault("breaker_open", []).append(line)
    for name, lines in rows.items():
        yield f"# TYPE cloverleaf_endpoint_{name} gauge"
        yield from lines
