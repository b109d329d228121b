"""Alerts: conditions that an operator should look at now, computed once for console and terminal.

The thresholds are few and fixed: what needs tuning belongs into Prometheus' rules.
"""

from collections.abc import Iterator

import msgspec

from gateway.reporting.report import Alert, DeploymentStatus, Report
from gateway.reporting.traffic_stats import Now

FEW = 20  # requests below which a share says little
SPILL = 0.5  # share of a model's requests, as in the rules for Prometheus; a pool overflows at its peaks only


KINDS = (
    "not_ready", "deployment_out", "endpoint_down", "breaker_open", "stale_scrape", "cooling", "failing", "slo_missed",
    "spill_high", "queue", "ledger_drops", "log_drops",
)  # fmt: skip
_RANKS = {"critical": 0, "warning": 1, "notice": 2}


class AlertMonitor:
    """Remembers since when each alert holds, as far as anybody looked."""

    def __init__(self) -> None:
        self._began: dict[tuple[str, str], float] = {}

    def at(self, report: Report, now: float) -> list[Alert]:
        found = alerts(report)
        self._began = {(each.kind, each.about): self._began.get((each.kind, each.about), now) for each in found}
        return [msgspec.structs.replace(each, since=now - self._began[each.kind, each.about]) for each in found]


def alerts(report: Report) -> list[Alert]:
    """The worst first."""
    found = [*_of_the_gateway(report), *_of_the_traffic(report.now)]
    for deployment in report.deployments:
        found += _of_a_deployment(deployment)
    return sorted(found, key=lambda alert: (_RANKS[alert.severity], KINDS.index(alert.kind), alert.about))


def _of_the_gateway(report: Report) -> Iterator[Alert]:
    if not report.ready:
        yield Alert("critical", "not_ready", "gateway", f"No request can be routed: {report.reason}.")
    if report.waiting:
        yield Alert("notice", "queue", "gateway", f"{report.waiting} requests wait for a place.")
    dropped = report.now.dropped
    if dropped.requests:
        message = f"It could not keep {dropped.requests} requests of the last minute: reports of cost lack them."
        yield Alert("warning", "ledger_drops", "ledger", message)
    if dropped.lines:
        message = f"{dropped.lines} lines of the last minute are lost: what they are written to is too slow."
        yield Alert("warning", "log_drops", "log", message)


def _of_the_traffic(now: Now) -> Iterator[Alert]:
    if now.requests >= FEW and now.total.failing:
        yield Alert("critical", "failing", "traffic", f"{_share(now.total.failed)} of requests fail.")
    for model, level in now.levels.items():
        if level.streams >= FEW and level.missed > level.allowed:
            message = f"{_share(level.missed)} of streams miss the service level; {_share(level.allowed)} may."
            yield Alert("warning", "slo_missed", model, message)
    for model, share in now.spill.items():
        if now.requests >= FEW and share >= SPILL:
            yield Alert("warning", "spill_high", model, f"{_share(share)} of requests leave the pool for a cloud.")


def _share(share: float) -> str:
    return f"{100 * share:.3g} %"


def _of_a_deployment(deployment: DeploymentStatus) -> Iterator[Alert]:
    down = [endpoint.url for endpoint in deployment.endpoints if not endpoint.up]
    if len(down) == len(deployment.endpoints) > 1:
        yield Alert("critical", "deployment_out", deployment.name, f"None of its {len(down)} endpoints is up.")
    else:
        for url in down:
            yield Alert("warning", "endpoint_down", f"{deployment.name} {url}", "Down: it takes no requests.")
    for endpoint in deployment.endpoints:
        about = f"{deployment.name} {endpoint.url}"
        for family, state in endpoint.breakers.items() if endpoint.up else ():
            message = f"Breaker {state.replace('_', '-')} for {family}: it erred too often."
            yield Alert("warning", "breaker_open", about, message)
        if endpoint.stale:
            message = "Its metrics have not been read for over 5 s: its load is unknown."
            yield Alert("notice", "stale_scrape", about, message)
        if endpoint.cooling:
            yield Alert("notice", "cooling", about, f"Rate-limited: not asked for {endpoint.cooling:.0f} s more.")
