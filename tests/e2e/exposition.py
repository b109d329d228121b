"""A strict reader of Prometheus' text format. Rule: what a scraper could misread is an error here."""

import re

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?(?:[0-9.]+(?:e[-+]?[0-9]+)?|\+Inf|NaN))")
TYPE = re.compile(rf"# TYPE ({NAME}) (counter|gauge|histogram)")
HELP = re.compile(rf"# HELP {NAME} [^\\\n]+")
PARTS = ("_bucket", "_sum", "_count")


def read(text: str) -> dict[str, float]:
    """Series -> value.

    Raises:
        ValueError: a line is malformed, out of its metric's group, given twice, or a histogram does not add up.
    """
    series: dict[str, float] = {}
    types: dict[str, str] = {}
    metric = ""
    if not text.endswith("\n"):
        raise ValueError("the last line has no end")
    for line in text.splitlines():
        if HELP.fullmatch(line):
            continue
        if declared := TYPE.fullmatch(line):
            metric, kind = declared.groups()
            if metric in types:
                raise ValueError(f"{metric} is declared twice")
            types[metric] = kind
            continue
        sample = SAMPLE.fullmatch(line)
        if sample is None:
            raise ValueError(f"malformed: {line}")
        name, labels, value = sample.groups()
        key = f"{name}{{{labels or ''}}}"
        expected = [metric + part for part in PARTS] if types.get(metric) == "histogram" else [metric]
        if name not in expected or key in series:
            raise ValueError(f"out of place: {line}")
        if types[metric] == "counter" and not name.endswith("_total"):
            raise ValueError(f"a counter without _total: {line}")
        series[key] = float(value)
    check_histograms(series)
    return series


def check_histograms(series: dict[str, float]) -> None:
    """Buckets grow, and the last one is the count."""
    last: dict[str, float] = {}
    for key, value in series.items():
        if "_bucket{" in key:
            histogram = re.sub(r',?le="[^"]*"', "", key)
            if value < last.get(histogram, 0.0):
                raise ValueError(f"buckets shrink: {key}")
            last[histogram] = value
    for histogram, value in last.items():
        if series[histogram.replace("_bucket{", "_count{")] != value:
            raise ValueError(f"the last bucket is not the count: {histogram}")
