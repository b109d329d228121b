"""The gateway: what every journey shares. Rule: data, no behaviour beyond handing itself out and recording outcomes."""

from importlib import metadata

from backends.transport import Transport
from gateway import clock
from gateway.attempt import Attempt
from gateway.catalog import Catalog
from gateway.journey import Journey
from gateway.ledger.writer import Ledger
from gateway.line import Line
from gateway.live import Live
from gateway.log import Log
from gateway.metrics import Metrics
from gateway.rivals import Rivals
from gateway.watch import Watch
from policies.failure import Fault
from policies.types import Outcome, Request


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
        self.line = Line(watch)
        self.late: set[Rivals] = set()  # those whose first attempt waits, and may be late
        self.journeys: set[Journey] = set()  # those under way

    def dispatch(self, attempt: Attempt, request: Request) -> None:
        """Start an attempt; it is counted before anything else can happen."""
        self.live.enter(attempt.candidate, request.prompt_tokens, request.family, attempt.started)
        self.watch.add(attempt)
        attempt.send(self.transport)

    def give_back(self, attempt: Attempt, request: Request, fault: Fault | None) -> float:
        """An attempt is over: give back what it held, and tell what it says of its endpoint; when that was."""
        now, candidate = clock.now(), attempt.candidate
        self.watch.discard(attempt)
        self.live.leave(candidate, request.prompt_tokens)
        if fault is not None or candidate.load.breakers:
            self.live.observe(candidate, request.family, fault, now)
        self.metrics.attempt((candidate.id, request.family, fault))
        if self.line.waiting:
            self.line.pump(now)
        return now

    def record(self, outcome: Outcome) -> None:
        """Every outcome passes here once, and changes the next snapshot through what the live ledger learned."""
        self.metrics.record(outcome)
        if self.log.info:
            self.log.request(outcome)
        if self.ledger is not None:
            self.ledger.put(outcome, self.catalog.price(outcome.deployment))
