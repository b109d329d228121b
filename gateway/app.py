"""The composition root: constructs every object and closes them in the opposite order."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from backends.engine.server import Engine, EngineOptions
from backends.transports.pooled import Pooled
from gateway.catalog.catalog import compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.config import Config
from gateway.ledger.database import NotALedger
from gateway.ledger.state import Piece
from gateway.ledger.writer import Ledger
from gateway.probing.health import HealthProber
from gateway.probing.kv_events import KvEvents
from gateway.proxy.context import Gateway
from gateway.proxy.deadlines import Deadlines
from gateway.recording.log import Log
from gateway.recording.tracing import Tracer
from gateway.reporting.event_stream import EventStream
from gateway.state.checkpoint import pieces, recall
from gateway.state.live_state import LiveState


class App:
    """One gateway and what keeps it alive. Made and run on one event loop."""

    def __init__(self) -> None:
        self._engines: dict[str, list[Engine]] = {}
        self._roots: dict[str, list[str]] = {}

    @classmethod
    async def start(cls, config: Config, log: Log) -> "App":
        """Everything the configuration names, running."""
        app = cls()
        app.live = LiveState()
        app.log = log
        log.start()
        app.live.judge.tell = partial(log.event, "warning", "classifier")
        app.transport = Pooled()
        app.watch = Deadlines()
        await app._start_engines(config)
        app.keyring = CredentialRefresher()
        catalog = compile_catalog(config, app._roots, app.keyring)
        app.live.follow(catalog.topology)
        await app.keyring.follow(app.transport, log)
        app.gateway = Gateway(catalog, app.live, app.transport, app.watch, log)
        app._open_ledger(config)
        app._open_export(config)
        if app.gateway.ledger is not None:
            recall(app.live, app.gateway.ledger.saved(), log)
        app.feed = EventStream(app.gateway)
        app.prober = HealthProber(app.transport, app.live, log)
        app.kv_events = KvEvents(app.transport, app.live.caches, log)
        app.live.watch(app._follow)
        app._follow()
        return app

    live: LiveState
    log: Log
    transport: Pooled
    watch: Deadlines
    keyring: CredentialRefresher
    gateway: Gateway
    feed: EventStream
    prober: HealthProber
    kv_events: KvEvents

    async def swap(self, config: Config) -> None:
        """Serve by another configuration from the next request on; those under way keep theirs."""
        await self._start_engines(config)
        catalog = compile_catalog(config, self._roots, self.keyring)
        await self.keyring.follow(self.transport, self.log)
        self.gateway.catalog = catalog
        self.log.set_level(config.telemetry.log)
        self.live.follow(catalog.topology)
        await self._move_ledger(config)
        await self._move_export(config)

    def _follow(self) -> None:
        """Endpoints have come or gone, or a configuration is new."""
        self.prober.follow(self.gateway.catalog)
        self.kv_events.follow(self.gateway.catalog)

    async def _start_engines(self, config: Config) -> None:
        """The embedded engines. One that a reload no longer names stays: requests under way may be on it."""
        for name, deployment in config.deployments.items():
            if not deployment.provider.started_here:
                continue
            engines = self._engines.setdefault(name, [])
            roots = self._roots.setdefault(name, [])
            while len(engines) < (deployment.replicas or 1):
                engine = Engine(EngineOptions(model=deployment.model))
                roots.append(await engine.start("127.0.0.1", 0))
                engines.append(engine)

    def _open_ledger(self, config: Config) -> None:
        """
        Raises:
            NotALedger: the file cannot be one.
        """
        path, keep = config.telemetry.ledger, config.telemetry.retention
        report = partial(self.log.event, "error", "ledger")
        self.gateway.ledger = Ledger(Path(path), keep, report, self._learned) if path else None
        self._recorded = (path, keep)

    def _learned(self) -> Iterator[Piece]:
        return pieces(self.live)

    async def _move_ledger(self, config: Config) -> None:
        """A reload may name another file, or none; one that cannot be opened leaves the old one as it is."""
        if (config.telemetry.ledger, config.telemetry.retention) == self._recorded:
            return
        old = self.gateway.ledger
        try:
            await asyncio.to_thread(self._open_ledger, config)  # an old one may take its time to be brought up to date
        except NotALedger as error:
            self.log.event("error", "ledger", str(error))
            return
        if old is not None:
            await asyncio.to_thread(old.close)

    def _open_export(self, config: Config) -> None:
        """The collector's, where there is one; its library is imported then only."""
        told, gateway = config.telemetry, self.gateway
        self._exported = (told.otlp, told.traces, told.slow)
        gateway.exporter = gateway.tracer = None
        if told.otlp is not None:
            from gateway.reporting.telemetry.export import Exporter

            gateway.tracer = Tracer(told.traces, told.slow)
            gateway.exporter = Exporter(told.otlp, gateway, gateway.tracer, partial(self.log.event, "warning", "otlp"))

    async def _move_export(self, config: Config) -> None:
        """A reload may name another collector, or none."""
        told = config.telemetry
        if (told.otlp, told.traces, told.slow) != self._exported:
            old = self.gateway.exporter
            self._open_export(config)
            if old is not None:
                await asyncio.to_thread(old.close)

    async def close(self) -> None:
        self.feed.close()
        await self.kv_events.close()
        await self.prober.close()
        await self.keyring.close()
        for mirror in list(self.gateway.mirrors):
            mirror.leave()
        await self.gateway.token_counts.close()
        self.watch.close()
        await self.transport.close()
        if self.gateway.exporter is not None:
            await asyncio.to_thread(self.gateway.exporter.close)
        if self.gateway.ledger is not None:
            await asyncio.to_thread(self.gateway.ledger.close)
        for engines in self._engines.values():
            for engine in engines:
                await engine.stop()


def default_config() -> Path:
    """The configuration to serve when none is named: ./cloverleaf.yaml, else the bundled quickstart."""
    local = Path("cloverleaf.yaml")
    if local.exists():
        return local
    bundled = Path(__file__).parent / "quickstart.yaml"
    return bundled if bundled.exists() else Path(__file__).parents[1] / "config" / "quickstart.yaml"
