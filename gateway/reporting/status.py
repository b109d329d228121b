"""The status report: what the router sees now, for the admin API, the console and the terminal."""

import msgspec

from gateway import clock
from gateway.proxy.context import Gateway
from gateway.reporting.alerts import Alert
from gateway.reporting.traffic_stats import Now
from gateway.state.ownership import is_own
from gateway.state.prompt_caches import PromptCaches
from policies.load.candidate import Candidate
from policies.load.load import FRESH


class EndpointStatus(msgspec.Struct):
    """One endpoint. What no fresh scrape says is null; ``stale``: it was to say. ``breakers``: those not closed, by
    family."""

    url: str
    up: bool
    in_flight: int
    in_flight_tokens: int
    running: float | None
    waiting: float | None
    kv_usage: float | None
    prefix_queries: float | None
    prefix_hits: float | None
    sleeping: bool | None
    cooling: float
    breakers: dict[str, str]
    kv_events: str | None = None  # whether its cache events can be relied on: live, partial, missing, silent
    continues: str = "unknown"  # how it goes on from a text, as probed: exactly, trimmed, no, unknown
    stale: bool = False


class DeploymentStatus(msgspec.Struct):
    name: str
    provider: str
    model: str
    endpoints: list[EndpointStatus]
    own: bool = False


class Report(msgspec.Struct):
    """Everything, now. Seconds, ``time`` since the epoch. What has a default is not in older saved reports."""

    version: str
    uptime: float
    ready: bool
    reason: str
    active: int
    models: dict[str, list[list[str]]]
    deployments: list[DeploymentStatus]
    time: float = 0.0
    url: str = ""  # where clients reach it
    keys: bool = False  # it asks clients for one
    waiting: int = 0  # requests, for a place
    now: Now = msgspec.field(default_factory=Now)
    alerts: list[Alert] = []
    state: bytes | None = None  # all that decisions are read from, where it was asked for


def not_ready(gateway: Gateway) -> str:
    """Why nothing can be routed; empty when something can."""
    if gateway.draining:
        return "stopping"
    if not any(not c.load.down for c in gateway.live.endpoints.all.values()):
        return "no endpoint is up"
    return ""


def report(gateway: Gateway) -> Report:
    """The report of this moment."""
    catalog, now = gateway.catalog, clock.now()
    deployments = catalog.config.deployments
    reason, settled = not_ready(gateway), clock.wall() - gateway.started > 2 * FRESH
    made = Report(
        gateway.version,
        gateway.uptime(),
        not reason,
        reason,
        len(gateway.journeys),
        {name: model.tiers for name, model in catalog.config.models.items()},
        [
            DeploymentStatus(
                name,
                deployment.provider,
                deployment.model,
                [
                    _endpoint(each, gateway.live.caches, now, settled and bool(deployments[name].provider.metrics))
                    for each in gateway.live.endpoints.by_deployment[name]
                ],
                is_own(deployment),
            )
            for name, deployment in catalog.topology.deployments.items()
        ],
        clock.wall(),
        gateway.url,
        bool(catalog.config.auth.keys),
        gateway.line.waiting,
        gateway.traffic.now(catalog, gateway.dropped(), now),
    )
    made.alerts = gateway.alarms.at(made, now)
    return made


def _endpoint(candidate: Candidate, caches: PromptCaches, now: float, due: bool) -> EndpointStatus:
    """``due``: its metrics must have been read by now."""
    load = candidate.load
    scraped = load.scraped if now - load.scraped_at <= FRESH else None
    return EndpointStatus(
        url=candidate.id[1],
        up=not load.down,
        in_flight=load.in_flight,
        in_flight_tokens=load.in_flight_tokens,
        running=scraped.running if scraped else None,
        waiting=scraped.waiting if scraped else None,
        kv_usage=scraped.kv_usage if scraped else None,
        prefix_queries=scraped.prefix_queries if scraped else None,
        prefix_hits=scraped.prefix_hits if scraped else None,
        sleeping=scraped.sleeping if scraped else None,
        cooling=max(0.0, candidate.domain.cooled_until - now),
        breakers={
            family: state.value
            for family, breaker in load.breakers.items()
            if (state := breaker.at(now)).value != "closed"
        },
        kv_events=caches.mirror(candidate.id).state if candidate.id in caches.of else None,
        continues=load.continues.value,
        stale=scraped is None and not load.down and due,
    )
