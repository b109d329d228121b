"""The gateway: what every journey shares. Rule: data, no behaviour beyond handing itself out and recording outcomes."""

from importlib import metadata

from backends.transport import Transport
from gateway import clock
from gateway.catalog import Catalog
from gateway.journey import Journey
from gateway.ledger.writer import Ledger
from gateway.live import Live
from gateway.log import Log
from gateway.metrics import Metrics
from gateway.watch import Watch
from policies.types import Outcome


class Gateway:
    """Swapping ``catalog`` is a reload: journeys under way keep the one they started with."""

    def __init__(self, catalog: Catalog, live: Live, transport: Transport, watch: Watch, log: Log) -> None:
        self.catalog = catalog
        self.live = live
        self.transport = transport
        self.watch = watch
        self.log = log
        self.metrics = Metrics()
        self.ledger: Ledger | None = None
        self.draining = False
        self.started = int(clock.wall())  # seconds since the epoch
        self.version = metadata.version("cloverleaf")
        self.journeys: set[Journey] = set()  # those under way

    def record(self, outcome: Outcome) -> None:
        """Every outcome passes here once, and changes the next snapshot through what the live ledger learned."""
        self.metrics.record(outcome)
        if self.log.info:
            self.log.request(outcome)
        if self.ledger is not None:
            self.ledger.put(outcome, self.catalog.price(outcome.deployment))
