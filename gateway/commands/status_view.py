"""The status report as text for a terminal. What is unknown is a dash."""

from collections.abc import Iterable, Sequence

from rich.console import Group, RenderableType
from rich.table import Column, Table
from rich.text import Text

from gateway.reporting.report import Alert, DeploymentStatus, EndpointStatus, Report
from gateway.reporting.traffic_stats import Quantiles, TrafficRate

UNKNOWN = "–"  # noqa: RUF001  # a dash, not a minus
_STYLES = {"critical": "bold red", "warning": "yellow", "notice": "blue", "fine": "green"}
_MARKS = {"critical": "✖", "warning": "▲", "notice": "●"}
_BLOCKS = "▁▂▃▄▅▆▇█"


def picture(report: Report, history: Sequence[float] = (), trouble: str = "") -> Group:
    """``history``: requests per second, the newest last. ``trouble``: why the report is not of this moment."""
    parts: list[RenderableType] = [_head(report, history), *([Text(trouble, "bold yellow")] if trouble else [])]
    parts += [_alert(alert) for alert in report.alerts]
    parts += [Text(), _deployments(report), Text(), _endpoints(report)]
    return Group(*parts)


def _head(report: Report, history: Sequence[float]) -> Text:
    state = Text("ready", "green") if report.ready else Text(f"not ready: {report.reason}", "bold red")
    waiting = f", {report.waiting} waiting" if report.waiting else ""
    rest = f"  {report.active} in flight{waiting}, up {duration(report.uptime)}  "
    return Text.assemble(("cloverleaf ", "bold green"), report.version, "  ", state, rest, (blocks(history), "green"))


def _alert(alert: Alert) -> Text:
    style = _STYLES[alert.severity]
    return Text.assemble(
        (f"{_MARKS[alert.severity]} {alert.about}", style), f"  {alert.message}", (f"  {duration(alert.since)}", "dim")
    )


def _deployments(report: Report) -> Table:
    titles = (
        "deployment",
        "share",
        "req/s",
        "failed",
        "first token\np50 p95",
        "each token\np50 p95",
        "tokens/s",
        "USD/h",
    )
    table = _table(*titles)
    for each in report.deployments:
        flow = report.now.flows.get(each.name, TrafficRate())
        name = Text.assemble(f"{each.name} ", ("own" if each.own else "cloud", "dim"))
        table.add_row(name, *_flow(flow, flow.cost))
    money = report.now.money
    known = money.total if money.total or not money.unknown else None
    table.add_row("all", *_flow(report.now.total, known), style="bold")
    table.add_row(Text("all-cloud", "dim"), *[""] * (len(titles) - 2), dollars(money.all_cloud))
    return table


def _flow(flow: TrafficRate, cost: float | None) -> Iterable[RenderableType]:
    return (
        percent(flow.share),
        number(flow.requests),
        Text(percent(flow.failed), "red" if flow.failing else ""),
        pair(flow.first_token),
        pair(flow.per_token),
        number(flow.completion),
        dollars(cost),
    )


def _endpoints(report: Report) -> Table:
    table = _table("endpoint", "state", "ours", "running", "waiting", "KV used", "hits", first=True)
    for deployment in report.deployments:
        for endpoint in deployment.endpoints:
            table.add_row(*_endpoint(deployment, endpoint))
    return table


def _endpoint(deployment: DeploymentStatus, endpoint: EndpointStatus) -> Iterable[RenderableType]:
    queries, hits = endpoint.prefix_queries, endpoint.prefix_hits
    return (
        Text.assemble(f"{deployment.name} ", (endpoint.url, "dim")),
        Text(endpoint.condition, _STYLES[endpoint.severity]),
        str(endpoint.in_flight),
        number(endpoint.running),
        number(endpoint.waiting),
        percent(endpoint.kv_usage),
        percent(hits / queries if hits is not None and queries else None),
    )


def _table(*titles: str, first: bool = False) -> Table:
    """Figures to the right; names, and the states beside them, to the left."""
    columns = [
        Column(title, justify="left" if at == 0 or (first and at == 1) else "right", no_wrap=True, header_style="dim")
        for at, title in enumerate(titles)
    ]
    return Table(*columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))


# Figures


def number(value: float | None) -> str:
    if value is None:
        return UNKNOWN
    return (
        f"{value:,.0f}"
        if abs(value) >= 100 or value == int(value)
        else f"{value:.1f}"
        if value >= 10
        else f"{value:.2f}"
    )


def percent(value: float | None) -> str:
    return (
        UNKNOWN
        if value is None
        else "0 %"
        if value == 0
        else f"{value * 100:.1f} %"
        if value < 0.1
        else f"{value:.0%}".replace("%", " %")
    )


def seconds(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.2f} s"


def pair(found: Quantiles | None) -> str:
    return UNKNOWN if found is None else f"{seconds(found.p50)} {seconds(found.p95)}"


def dollars(value: float | None) -> str:
    return UNKNOWN if value is None else f"{value:,.2f}" if value >= 0.1 or value == 0 else f"{value:.2g}"


def duration(value: float) -> str:
    minutes, hours, days = (int(value // each) for each in (60, 3600, 86400))
    if days:
        return f"{days} d {hours % 24} h"
    if hours:
        return f"{hours} h {minutes % 60} min"
    return f"{minutes} min" if minutes else f"{value:.0f} s"


def blocks(values: Sequence[float]) -> str:
    """A line of bars."""
    top = max(values, default=0.0) or 1.0
    return "".join(_BLOCKS[min(len(_BLOCKS) - 1, int(value / top * len(_BLOCKS)))] for value in values)
