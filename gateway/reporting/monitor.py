"""The monitor: traffic of the last minutes, alerts, and the report of what the router sees now."""

from gateway import clock
from gateway.proxy.context import Gateway
from gateway.reporting.alerts import AlertMonitor
from gateway.reporting.report import DeploymentStatus, EndpointStatus, Report
from gateway.reporting.traffic_stats import Dropped, TrafficStats
from gateway.state.prompt_caches import PromptCaches
from policies.load.candidate import Candidate
from policies.load.load import FRESH


class Monitor:
    """Of one gateway, which does not know it."""

    def __init__(self, gateway: Gateway) -> None:
        self.gateway = gateway
        self.traffic = TrafficStats(
            gateway.metrics, gateway.live.predictions, gateway.live.endpoints.by_deployment, gateway.recent, clock.now()
        )
        self._alerts = AlertMonitor()

    def report(self) -> Report:
        """The report of this moment."""
        gateway, now = self.gateway, clock.now()
        catalog = gateway.catalog
        deployments = catalog.config.deployments
        reason, settled = not_ready(gateway), clock.wall() - gateway.started > 2 * FRESH
        made = Report(
            version=gateway.version,
            uptime=gateway.uptime(),
            ready=not reason,
            reason=reason,
            active=len(gateway.journeys),
            models={name: model.tiers for name, model in catalog.config.models.items()},
            deployments=[
                DeploymentStatus(
                    name=name,
                    provider=deployment.provider,
                    model=deployment.model,
                    endpoints=[
                        _endpoint(each, gateway.live.caches, now, settled and bool(deployments[name].provider.metrics))
                        for each in gateway.live.endpoints.by_deployment[name]
                    ],
                    own=deployment.own,
                )
                for name, deployment in catalog.topology.deployments.items()
            ],
            time=clock.wall(),
            url=gateway.url,
            keys=bool(catalog.config.auth.keys),
            waiting=gateway.queue.waiting,
            now=self.traffic.now(catalog, self.dropped(), now),
        )
        made.alerts = self._alerts.at(made, now)
        return made

    def dropped(self) -> Dropped:
        """What could not be written down since the start."""
        ledger = self.gateway.ledger
        return Dropped(ledger.dropped if ledger is not None else 0, self.gateway.log.dropped)


def not_ready(gateway: Gateway) -> str:
    """Why nothing can be routed; empty when something can."""
    if gateway.draining:
        return "stopping"
    if not any(not c.load.down for c in gateway.live.endpoints.all.values()):
        return "no endpoint is up"
    return ""


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
