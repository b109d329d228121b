"""Alerts. Rule: each kind comes with its cause, goes with it, and is not raised by a handful of requests."""

import pytest
from msgspec.structs import replace

from gateway.reporting.alerts import FEW, KINDS, AlertMonitor, alerts
from gateway.reporting.report import DeploymentStatus, EndpointStatus, Report
from gateway.reporting.traffic_stats import Dropped, Level, Now, TrafficRate

URL = "http://e"


def endpoint(**changed: object) -> EndpointStatus:
    return replace(EndpointStatus(URL, True, 0, 0, 0.0, 0.0, 0.0, 0.0, 0.0, False, 0.0, {}), **changed)


def report(*endpoints: EndpointStatus, now: Now | None = None, **changed: object) -> Report:
    deployments = [DeploymentStatus("d", "vllm", "m", list(endpoints or [endpoint()]))]
    return replace(Report("0", 1.0, True, "", 0, {}, deployments, now=now or Now()), **changed)


CAUSES = {
    "not_ready": report(ready=False, reason="no endpoint is up"),
    "deployment_out": report(endpoint(up=False), endpoint(up=False)),
    "endpoint_down": report(endpoint(up=False), endpoint()),
    "breaker_open": report(endpoint(breakers={"chat": "half_open"})),
    "stale_scrape": report(endpoint(stale=True)),
    "cooling": report(endpoint(cooling=3.0)),
    "failing": report(now=Now(60.0, FEW, TrafficRate(1.0, failed=0.05, failing=True))),
    "slo_missed": report(now=Now(levels={"m": Level(0.11, FEW, 0.1)})),
    "spill_high": report(now=Now(60.0, FEW, spill={"m": 0.5})),
    "queue": report(waiting=1),
    "ledger_drops": report(now=Now(dropped=Dropped(requests=1))),
    "log_drops": report(now=Now(dropped=Dropped(lines=1))),
}


def kinds(report: Report) -> list[str]:
    return [alert.kind for alert in alerts(report)]


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_has_its_cause(kind: str) -> None:
    assert kinds(CAUSES[kind]) == [kind]


def test_all_is_well_where_there_is_no_cause() -> None:
    assert alerts(report()) == []
    few = Now(60.0, FEW - 1, TrafficRate(failed=1.0), spill={"m": 1.0}, levels={"m": Level(1.0, FEW - 1, 0.1)})
    assert alerts(report(now=few)) == []
    enough = Now(60.0, FEW, TrafficRate(failed=0.04), spill={"m": 0.49}, levels={"m": Level(0.1, FEW, 0.1)})
    assert alerts(report(now=enough)) == []


def test_the_only_endpoint_is_named_and_so_is_one_of_several() -> None:
    (alert,) = alerts(report(endpoint(up=False)))
    assert (alert.kind, alert.about) == ("endpoint_down", f"d {URL}")


def test_the_worst_comes_first() -> None:
    several = report(endpoint(up=False, cooling=1.0), endpoint(), waiting=2, ready=False, reason="stopping")
    assert [alert.severity for alert in alerts(several)] == ["critical", "warning", "notice", "notice"]


def test_an_alert_knows_since_when_it_holds_and_forgets_when_it_is_over() -> None:
    alarms, bad = AlertMonitor(), report(waiting=1)
    assert [alert.since for alert in alarms.at(bad, 10.0)] == [0.0]
    assert [alert.since for alert in alarms.at(report(waiting=5), 13.0)] == [3.0]
    assert alarms.at(report(), 14.0) == []
    assert [alert.since for alert in alarms.at(bad, 20.0)] == [0.0]
