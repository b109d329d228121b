"""The composition root: constructs every object and closes them in the opposite order."""

import asyncio
from collections.abc import Iterator
from functools import partial
from pathlib import Path

from backends.engine.server import Engine, EngineOptions
from backends.transports.pooled import Pooled
from gateway.catalog.catalog import Catalog, compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.catalog.stages import Stage
from gateway.config import Config
from gateway.ledger.database import NotALedger
from gateway.ledger.state import Piece
from gateway.ledger.writer import Ledger
from gateway.probing.health import HealthProber
from gateway.probing.kv_events import KvEvents
from gateway.proxy.context import Gateway
from gateway.proxy.deadlines import Deadlines
from gateway.proxy.shadow_traffic import ShadowTraffic
from gateway.proxy.stages import HeldToolCalls
from gateway.proxy.token_counting import TokenCounts
from gateway.recording.log import Log
from gateway.recording.tracing import Tracer
from gateway.reporting.event_stream import EventStream
from gateway.reporting.monitor import Monitor
from gateway.state.checkpoint import pieces, recall
from gateway.state.live_state import LiveState


class Engines:
    """The embedded engines of a configuration, by deployment."""

    def __init__(self) -> None:
        self.roots: dict[str, list[str]] = {}
        self._running: dict[str, list[Engine]] = {}

    async def follow(self, config: Config) -> None:
        """Start those it names. One that a reload no longer names stays: requests under way may be on it."""
        for name, deployment in config.deployments.items():
            if not deployment.provider.started_here:
                continue
            engines, roots = self._running.setdefault(name, []), self.roots.setdefault(name, [])
            while len(engines) < (deployment.replicas or 1):
                engine = Engine(EngineOptions(model=deployment.model))
                roots.append(await engine.start("127.0.0.1", 0))
                engines.append(engine)

    async def close(self) -> None:
        for engines in self._running.values():
            for engine in engines:
                await engine.stop()


class App:
    """One gateway and what keeps it alive. Made and run on one event loop."""

    def __init__(self, config: Config, log: Log, engines: Engines, stages: tuple[Stage, ...]) -> None:
        self.log = log
        self.live = LiveState()
        self.live.judge.tell = partial(log.event, "warning", "classifier")
        self.transport = Pooled()
        self.deadlines = Deadlines()
        self.keyring = CredentialRefresher()
        self.shadows = ShadowTraffic()
        self._engines = engines
        token_counts = TokenCounts(self.live, self.transport, partial(log.event, "warning", "tokens"))
        self._stages = (token_counts, HeldToolCalls(), *stages)
        catalog = self._compiled(config)
        self.live.follow(catalog.topology)
        self.gateway = Gateway(
            catalog=catalog,
            live=self.live,
            transport=self.transport,
            deadlines=self.deadlines,
            log=log,
            shadows=self.shadows,
            token_counts=token_counts,
        )
        self._open_ledger(config)
        self._open_export(config)
        if self.gateway.ledger is not None:
            recall(self.live, self.gateway.ledger.saved(), log)
        self.monitor = Monitor(self.gateway)
        self.feed = EventStream(self.monitor)
        self.prober = HealthProber(self.transport, self.live, log)
        self.kv_events = KvEvents(self.transport, self.live.caches, log)

    @classmethod
    async def start(cls, config: Config, log: Log, stages: tuple[Stage, ...] = ()) -> "App":
        """Everything the configuration names, running. ``stages``: beside the gateway's own."""
        log.start()
        engines = Engines()
        await engines.follow(config)
        app = cls(config, log, engines, stages)
        await app.keyring.follow(app.transport, log)
        app.live.watch(app._follow)
        app._follow()
        return app

    async def swap(self, config: Config) -> None:
        """Serve by another configuration from the next request on; those under way keep theirs."""
        await self._engines.follow(config)
        catalog = self._compiled(config)
        await self.keyring.follow(self.transport, self.log)
        self.gateway.catalog = catalog
        self.log.set_level(config.telemetry.log)
        self.live.follow(catalog.topology)
        await self._move_ledger(config)
        await self._move_export(config)

    def _compiled(self, config: Config) -> Catalog:
        return compile_catalog(config, self._engines.roots, self.keyring, self._stages)

    def _follow(self) -> None:
        """Endpoints have come or gone, or a configuration is new: probe and listen to those there are."""
        self.prober.follow(self.gateway.catalog)
        self.kv_events.follow(self.gateway.catalog)

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
        self.shadows.close()
        await self.gateway.token_counts.close()
        self.deadlines.close()
        await self.transport.close()
        if self.gateway.exporter is not None:
            await asyncio.to_thread(self.gateway.exporter.close)
        if self.gateway.ledger is not None:
            await asyncio.to_thread(self.gateway.ledger.close)
        await self._engines.close()


def default_config() -> Path:
    """The configuration to serve when none is named: ./cloverleaf.yaml, else the bundled quickstart."""
    local = Path("cloverleaf.yaml")
    if local.exists():
        return local
    bundled = Path(__file__).parent / "quickstart.yaml"
    return bundled if bundled.exists() else Path(__file__).parents[1] / "config" / "quickstart.yaml"
