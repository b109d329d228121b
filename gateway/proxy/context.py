"""The gateway: what every journey shares. Rule: data, no behaviour beyond handing itself out and recording outcomes."""

# compiled

import asyncio
from collections.abc import Mapping
from functools import partial
from importlib import metadata
from typing import TYPE_CHECKING

from backends.contract.families import Family
from backends.contract.transport import Transport
from gateway import clock
from gateway.catalog.catalog import Catalog
from gateway.catalog.keys import Key
from gateway.ledger.writer import Ledger
from gateway.proxy.deadlines import Deadlines
from gateway.proxy.decisions import Decisions
from gateway.proxy.headers import own_id
from gateway.proxy.hedging import Hedging
from gateway.proxy.journey import Journey
from gateway.proxy.request_head import RequestHead
from gateway.proxy.shadow_traffic import ShadowJourney
from gateway.proxy.token_counting import TokenCounts
from gateway.proxy.wait_queue import QueuedJourneys
from gateway.recording.log import Log
from gateway.recording.metrics import Metrics
from gateway.recording.tracing import Tracer
from gateway.reporting.alerts import AlertMonitor
from gateway.reporting.traffic_stats import Dropped, TrafficStats
from gateway.state.live_state import LiveState
from policies.attempts.outcome import Outcome
from policies.selection.model import Model
from policies.vocabulary.types import Price

if TYPE_CHECKING:
    from gateway.reporting.telemetry.export import Exporter

MOST_MIRRORS = 64  # under way at once: a slow mirror costs copies, never memory


class Gateway:
    """Swapping ``catalog`` is a reload: journeys under way keep the one they started with."""

    def __init__(self, catalog: Catalog, live: LiveState, transport: Transport, watch: Deadlines, log: Log) -> None:
        self.catalog = catalog
        self.live = live
        self.counters, self.shared, self.tiers = live.counters, live.shared, live.endpoints.tiers
        self.transport = transport
        self.watch = watch
        self.log = log
        self.metrics = Metrics(self.price)
        self.ledger: Ledger | None = None
        self.tracer: Tracer | None = None
        self.exporter: Exporter | None = None
        self.draining = False
        self.url = ""  # of the public port, once it listens
        self.new_id = clock.request_ids()
        self.started = int(clock.wall())  # seconds since the epoch
        self.version = metadata.version("cloverleaf")
        self.line = QueuedJourneys(watch)
        self.token_counts = TokenCounts(transport, partial(log.event, "warning", "tokens"))
        self.late: set[Hedging] = set()  # those whose first attempt waits, and may be late
        self.journeys: set[Journey] = set()  # those under way
        self.mirrors: set[ShadowJourney] = set()
        self.decisions = Decisions()
        self.traffic = TrafficStats(self.metrics, live.predictions, live.endpoints.by_deployment, clock.now())
        self.alarms = AlertMonitor()

    def price(self, deployment: str) -> Price | None:
        """What its tokens cost, as of now."""
        return self.catalog.price(deployment)

    def request_id(self, given: Mapping[bytes, bytes]) -> bytes:
        """The client's own id where it is a valid one, else a new one."""
        return own_id(given) or self.new_id()

    def uptime(self) -> float:
        """Seconds since it was made."""
        return clock.wall() - self.started

    def mirror(
        self, catalog: Catalog, family: Family, given: Mapping[bytes, bytes], key: Key, body: bytes, model: str
    ) -> None:
        """Send a copy of a request to another model, after this tick; beyond the most at once it is left out."""
        if len(self.mirrors) >= MOST_MIRRORS:
            self.metrics.mirror("dropped")
            return
        journey = ShadowJourney(self, catalog, RequestHead(family, given), key, model)
        self.mirrors.add(journey)
        asyncio.get_running_loop().call_soon(journey.run, body, clock.now())

    def displace(self, model: Model) -> bool:
        """A caller finds every place of the model taken: copies give theirs up. Whether any did."""
        if not self.mirrors:
            return False
        deployments = {each.name for each in model.deployments}
        held = [mirror for mirror in self.mirrors if mirror.is_at(deployments)]
        for mirror in held:
            mirror.leave()
        return bool(held)

    def record(self, outcome: Outcome) -> None:
        """Every outcome passes here once, and changes the next snapshot through what the live ledger learned."""
        self.metrics.record(outcome)
        self.traffic.note(outcome)
        if self.log.info:
            self.log.request(outcome)
        self.keep(outcome)

    def keep(self, outcome: Outcome) -> None:
        """Where somebody will look for it: among the traces, and in the ledger."""
        if self.tracer is not None:
            self.tracer.record(outcome)
        if self.ledger is not None:
            self.ledger.put(outcome, self.price(outcome.deployment))

    def dropped(self) -> Dropped:
        """What could not be written down since the start."""
        return Dropped(self.ledger.dropped if self.ledger is not None else 0, self.log.dropped)
