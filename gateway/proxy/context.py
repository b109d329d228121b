"""What all requests share: the catalog, live state, the transport, counters, and what is under way.

Rule: data; the only behaviour is to record outcomes. It knows requests by protocols, and is shown by gateway/reporting.
"""

# compiled

from collections import deque
from collections.abc import Mapping
from importlib import metadata
from typing import Protocol

from backends.contract.transport import Transport
from gateway import clock
from gateway.catalog.catalog import Catalog
from gateway.catalog.keys import Key
from gateway.ledger.writer import Ledger
from gateway.proxy.deadlines import Deadlines
from gateway.proxy.decisions import Decisions
from gateway.proxy.headers import own_id
from gateway.proxy.request_head import RequestHead
from gateway.proxy.token_counting import TokenCounts
from gateway.proxy.wait_queue import RequestQueue
from gateway.recording.log import Log
from gateway.recording.metrics import Metrics
from gateway.recording.tracing import Exporter, Tracer
from gateway.state.live_state import LiveState
from policies.attempts.outcome import Outcome
from policies.selection.model import Model
from policies.vocabulary.types import Price

RECENT = 1024  # outcomes kept


class UnderWay(Protocol):
    """A request that has begun."""

    def stop(self) -> None:
        """The process must end: tell the client."""


class Awaited(Protocol):
    """A request whose first attempt is late after ``late_at`` (monotonic seconds)."""

    late_at: float


class Shadows(Protocol):
    """Shadow traffic: copies of requests, to other models."""

    def send(self, gateway: "Gateway", catalog: Catalog, head: RequestHead, key: Key, body: bytes, model: str) -> None:
        """Send a copy to a model, after this tick. ``catalog``: the one whose route wants it."""

    def displace(self, model: Model) -> bool:
        """A request finds every endpoint of the model taken: copies give theirs up. Whether any did."""


class Gateway:
    """Swapping ``catalog`` is a reload: requests under way keep the one they started with."""

    def __init__(
        self,
        catalog: Catalog,
        live: LiveState,
        transport: Transport,
        deadlines: Deadlines,
        log: Log,
        shadows: Shadows,
        token_counts: TokenCounts,
    ) -> None:
        self.catalog = catalog
        self.live = live
        self.counters, self.shared, self.tiers = live.counters, live.shared, live.endpoints.tiers
        self.transport = transport
        self.deadlines = deadlines
        self.log = log
        self.shadows = shadows
        self.metrics = Metrics(self.price)
        self.ledger: Ledger | None = None
        self.tracer: Tracer | None = None
        self.exporter: Exporter | None = None
        self.draining = False
        self.url = ""  # of the public port, once it listens
        self.new_id = clock.request_ids()
        self.started = int(clock.wall())  # seconds since the epoch
        self.version = metadata.version("cloverleaf")
        self.queue = RequestQueue(deadlines)
        self.token_counts = token_counts
        self.late: set[Awaited] = set()  # those whose first attempt waits, and may be late
        self.journeys: set[UnderWay] = set()
        self.decisions = Decisions()
        self.recent: deque[Outcome] = deque(maxlen=RECENT)  # requests that are over, newest last

    def price(self, deployment: str) -> Price | None:
        """What its tokens cost, as of now."""
        return self.catalog.price(deployment)

    def request_id(self, given: Mapping[bytes, bytes]) -> bytes:
        """The client's own id where it is a valid one, else a new one."""
        return own_id(given) or self.new_id()

    def uptime(self) -> float:
        """Seconds since it was made."""
        return clock.wall() - self.started

    def record(self, outcome: Outcome) -> None:
        """A request is over: count it and write it down, once."""
        self.metrics.record(outcome)
        self.recent.append(outcome)
        if self.log.info:
            self.log.request(outcome)
        self.keep(outcome)

    def keep(self, outcome: Outcome) -> None:
        """Write it where it can be looked up: among the traces, and in the ledger."""
        if self.tracer is not None:
            self.tracer.record(outcome)
        if self.ledger is not None:
            self.ledger.put(outcome, self.price(outcome.deployment))
