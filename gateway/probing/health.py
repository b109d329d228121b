"""The health prober: each engine's health endpoint and vLLM's /metrics, with jitter. It writes live state only."""

import asyncio
import traceback

from backends.contract.adapter import Wire
from backends.contract.endpoint_address import address
from backends.contract.headers import headers
from backends.contract.transport import Transport
from backends.providers.provider import Provider
from backends.recover.probe import Probe
from backends.transports.http_get import FetchFailed, fetch
from backends.vllm import metrics as vllm_metrics
from gateway import clock
from gateway.catalog.catalog import Catalog
from gateway.config.deployment import SCRAPE
from gateway.recording.log import Log
from gateway.state.live_state import LiveState
from policies.vocabulary.engine_state import Continues
from policies.vocabulary.failure import ABSENCE

TIMEOUT = 5.0  # seconds for an answer
PATIENCE = 2  # unanswered checks in a row before an endpoint counts as down; a refusal counts at once
EAGER = 0.25  # seconds between checks of an endpoint that is down


class HealthProber:
    """Keeps one task for each endpoint of the current catalog."""

    def __init__(self, transport: Transport, live: LiveState, log: Log) -> None:
        self._transport = transport
        self._live = live
        self._log = log
        self._tasks: dict[tuple[str, str], asyncio.Task[None]] = {}

    def follow(self, catalog: Catalog) -> None:
        """Probe what this catalog names, and nothing else."""
        deployments = catalog.config.deployments
        wanted = {
            candidate.id: (
                deployments[name].scrape or SCRAPE,
                deployments[name].provider,
                candidate.deployment.model if candidate.id in catalog.continuing else "",
            )
            for name, candidates in catalog.candidates.items()
            for candidate in candidates
            if deployments[name].provider.health
        }
        for task in self._tasks.values():
            task.cancel()
        self._live.probed = set(wanted)
        self._tasks = {id: asyncio.create_task(self._probe(id, *what)) for id, what in wanted.items()}

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _probe(self, id: tuple[str, str], interval: float, provider: Provider, model: str) -> None:
        """``model``: the upstream's name for what broken streams may be continued on; empty: none are."""
        origin, prefix = address(id[1])
        host = headers(host=id[1].partition("://")[2].partition("/")[0])
        health = Wire(origin, prefix + provider.health.encode(), host, method=b"GET")
        metrics = Wire(origin, prefix + provider.metrics.encode(), host, method=b"GET")
        continues = Probe(self._transport, origin, prefix, host, model)
        load = self._live.loads[id]
        unanswered = 0
        while True:
            try:
                unanswered = await self._check(id, health, unanswered)
                if not load.down and provider.metrics:
                    await self._scrape(id, metrics)
                if model and not load.down and load.continues is Continues.UNKNOWN:
                    self._live.continues(id, await continues.ask(TIMEOUT))
            except Exception:  # the outermost frame of this task: a defect must not end the probing
                self._log.event("error", "defect", traceback.format_exc())
            await asyncio.sleep(clock.jitter(min(EAGER, interval) if load.down else interval))

    async def _check(self, id: tuple[str, str], health: Wire, unanswered: int) -> int:
        """One look at /health; the number of checks in a row that are now unanswered."""
        try:
            status, _ = await fetch(self._transport, health, TIMEOUT)
        except FetchFailed as failed:
            absent = failed.fault is not None and failed.fault.failure in ABSENCE
            if absent or unanswered + 1 >= PATIENCE:
                self._note(id, False, str(failed))
            return unanswered + 1
        self._note(id, status == 200, f"its /health answers {status}")
        return 0

    async def _scrape(self, id: tuple[str, str], metrics: Wire) -> None:
        """Without an answer what was seen grows stale, which says enough: a busy engine is slow to tell."""
        try:
            status, body = await fetch(self._transport, metrics, TIMEOUT)
        except FetchFailed:
            return
        if status == 200:
            self._live.scraped(id, vllm_metrics.parse(body.decode("utf-8", "replace")), clock.now())

    def _note(self, id: tuple[str, str], ok: bool, why: str) -> None:
        if self._live.loads[id].down == ok:
            name = f"{id[0]} at {id[1]}"
            self._log.event("warning", "endpoint", f"{name} is back" if ok else f"{name} is out: {why}")
        self._live.healthy(id, ok)
