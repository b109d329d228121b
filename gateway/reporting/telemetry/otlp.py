"""Metrics in OTLP's data model.

The SDK has no observable histogram; what our buckets hold is handed on as it is, and nothing is counted twice.
"""

from collections.abc import Iterable

from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    HistogramDataPoint,
    Metric,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Histogram as HistogramData
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.util.instrumentation import InstrumentationScope

from gateway.recording.instruments import Instrument
from gateway.recording.metrics import Histogram
from gateway.reporting.telemetry.readings import Reading

Point = NumberDataPoint | HistogramDataPoint
_CUMULATIVE = AggregationTemporality.CUMULATIVE


def metrics_data(readings: Iterable[Reading], resource: Resource, version: str, since: int, now: int) -> MetricsData:
    """``since``, ``now``: nanoseconds since the epoch; counters count from ``since``."""
    points: dict[Instrument, list[Point]] = {}
    for instrument, values, value in readings:
        points.setdefault(instrument, []).append(_point(instrument, values, value, since, now))
    metrics = [_metric(instrument, found) for instrument, found in points.items()]
    scope = ScopeMetrics(InstrumentationScope("cloverleaf", version), metrics, "")
    return MetricsData([ResourceMetrics(resource, [scope], "")])


def _point(instrument: Instrument, values: tuple[str, ...], value: float | Histogram, since: int, now: int) -> Point:
    attributes = {name: text for name, text in zip(instrument.labels, values, strict=True) if text}
    if not isinstance(value, Histogram):
        return NumberDataPoint(attributes, since, now, value)
    total = sum(value.counts)
    unknown: float = None  # type: ignore[assignment]  # of the protocol's own: least and most need not be told
    return HistogramDataPoint(
        attributes, since, now, total, value.sum, value.counts, value.bounds, min=unknown, max=unknown
    )


def _metric(instrument: Instrument, points: list[Point]) -> Metric:
    data: Gauge | Sum | HistogramData
    numbers = [each for each in points if isinstance(each, NumberDataPoint)]
    if instrument.kind == "histogram":
        data = HistogramData([each for each in points if isinstance(each, HistogramDataPoint)], _CUMULATIVE)
    elif instrument.kind == "counter":
        data = Sum(numbers, _CUMULATIVE, is_monotonic=True)
    else:
        data = Gauge(numbers)
    return Metric(instrument.name, instrument.text, instrument.unit, data)
