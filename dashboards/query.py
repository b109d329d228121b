"""Queries. Rule: PromQL is written over instruments; a label that one does not have is an error here."""

from gateway.recording.instruments import Instrument

WINDOW = "$__rate_interval"


def series(instrument: Instrument, where: str = "", part: str = "") -> str:
    """Its time series, of the instances and models that the dashboard shows."""
    shown = ['instance=~"$instance"']
    if "gen_ai_request_model" in instrument.prometheus_labels:
        shown.append('gen_ai_request_model=~"$model"')
    return f"{instrument.prometheus}{part}{{{', '.join([*shown, *filter(None, [where])])}}}"


def rate(instrument: Instrument, *by: str, where: str = "") -> str:
    """A counter's increase per second, summed."""
    assert instrument.kind == "counter", instrument.name
    return summed(f"rate({series(instrument, where)}[{WINDOW}])", *checked(instrument, by))


def share(part: str, whole: str) -> str:
    """Of two rates; nothing of nothing is nought."""
    return f"({part}) / ({whole} > 0)"


def quantile(q: float, instrument: Instrument, *by: str) -> str:
    """Of a histogram."""
    rates = f"rate({series(instrument, part='_bucket')}[{WINDOW}])"
    return f"histogram_quantile({q:g}, {summed(rates, 'le', *checked(instrument, by))})"


def gauge(instrument: Instrument, *by: str, where: str = "") -> str:
    assert instrument.kind == "gauge", instrument.name
    return summed(series(instrument, where), *checked(instrument, by))


def summed(of: str, *by: str) -> str:
    return f"sum by ({', '.join(by)}) ({of})" if by else f"sum({of})"


def checked(instrument: Instrument, by: tuple[str, ...]) -> tuple[str, ...]:
    unknown = set(by) - {*instrument.prometheus_labels, "instance"}
    assert not unknown, f"{instrument.name} has no label {', '.join(unknown)}"
    return by
