"""Metrics in Prometheus' text format (0.0.4)."""

from collections.abc import Iterable, Iterator

from gateway.recording.instruments import Instrument
from gateway.recording.metrics import Histogram
from gateway.reporting.telemetry.readings import Reading

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def text(readings: Iterable[Reading]) -> str:
    """The exposition, each metric's lines together."""
    metrics: dict[str, list[str]] = {}
    for instrument, values, value in readings:
        name = instrument.prometheus
        lines = metrics.get(name)
        if lines is None:
            lines = metrics[name] = [f"# HELP {name} {instrument.text}", f"# TYPE {name} {instrument.kind}"]
        labels = _labels(instrument, values)
        if isinstance(value, Histogram):
            lines += _histogram(name, labels, value)
        else:
            lines.append(f"{name}{{{labels}}} {value:.12g}" if labels else f"{name} {value:.12g}")
    return "".join(f"{line}\n" for lines in metrics.values() for line in lines)


def _histogram(name: str, labels: str, histogram: Histogram) -> Iterator[str]:
    total = 0
    for bound, count in zip((*map(str, histogram.bounds), "+Inf"), histogram.counts, strict=True):
        total += count
        yield f'{name}_bucket{{{labels},le="{bound}"}} {total}'
    yield f"{name}_sum{{{labels}}} {histogram.sum:.9g}"
    yield f"{name}_count{{{labels}}} {total}"


def _labels(instrument: Instrument, values: tuple[str, ...]) -> str:
    pairs = zip(instrument.prometheus_labels, values, strict=True)
    return ",".join(f'{name}="{_quoted(value)}"' for name, value in pairs)


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
