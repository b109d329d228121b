"""Credentials that expire, refreshed in the background. They survive a reload, by deployment name.

A refresh that fails keeps the old token until its end, says so in the log, and is tried again.
"""

import asyncio
import traceback
from collections.abc import Callable

from backends.contract.credentials import Refreshed, RefreshFailed
from backends.contract.transport import Transport
from gateway.recording.log import Log

RETRY = 1.0  # seconds; doubled for each further try
RETRY_CAP = 60.0
FIRST = 5.0  # seconds


class CredentialRefresher:
    """One credential for each name that a catalog asks for, and one task that keeps it fresh.

    ``retry``: seconds before the second try. ``first``: seconds that a start waits for the first tokens.
    """

    def __init__(self, retry: float = RETRY, first: float = FIRST) -> None:
        self._retry = retry
        self._first = first
        self._kept: dict[str, Refreshed] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._tried: dict[str, asyncio.Event] = {}
        self._wanted: set[str] = set()

    def credential(self, name: str, make: Callable[[], Refreshed]) -> Refreshed:
        """The credential of that name, made where there is none yet."""
        self._wanted.add(name)
        if name not in self._kept:
            self._kept[name] = make()
        return self._kept[name]

    async def follow(self, transport: Transport, log: Log) -> None:
        """Refresh what was asked for since the last call, and nothing else; wait a little for those that are new."""
        for name in self._kept.keys() - self._wanted:
            del self._kept[name], self._tried[name]
            self._tasks.pop(name).cancel()
        for name in self._wanted - self._tasks.keys():
            self._tried[name] = asyncio.Event()
            self._tasks[name] = asyncio.create_task(self._keep(name, transport, log))
        self._wanted = set()
        try:
            async with asyncio.timeout(self._first):
                for tried in list(self._tried.values()):
                    await tried.wait()
        except TimeoutError:
            pass

    async def close(self) -> None:
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)

    async def _keep(self, name: str, transport: Transport, log: Log) -> None:
        failures = 0
        while True:
            after = min(RETRY_CAP, self._retry * 2**failures)
            failures = min(failures + 1, 16)
            try:
                after = await self._kept[name].refresh(transport)
                failures = 0
            except RefreshFailed as failed:
                log.event("warning", "credential", str(failed))
            except Exception:  # the outermost frame of this task: a defect must not end the refreshing
                log.event("error", "defect", traceback.format_exc())
            self._tried[name].set()
            await asyncio.sleep(after)
