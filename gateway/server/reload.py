"""Configuration reload: validate, then swap whole; a bad file keeps the last good one, and the log says so."""

import asyncio
import traceback
from collections.abc import Callable
from pathlib import Path

from gateway.app import App
from gateway.config import Config, ConfigError

POLL = 1.0  # seconds between looks at the file
FIXED = ("server.host", "server.port", "server.tls", "server.drain", "admin.host", "admin.port")


class Reloader:
    """Reloads on demand (SIGHUP), and when the file changes."""

    def __init__(self, app: App, path: Path, load: Callable[[], Config]) -> None:
        self._app = app
        self._path = path
        self._load = load
        self._asked = asyncio.Event()

    def ask(self) -> None:
        self._asked.set()

    async def run(self) -> None:
        """Until cancelled."""
        seen = await asyncio.to_thread(self._stamp)
        while True:
            try:
                async with asyncio.timeout(POLL):
                    await self._asked.wait()
            except TimeoutError:
                stamp = await asyncio.to_thread(self._stamp)
                if stamp == seen:
                    continue
            self._asked.clear()
            seen = await asyncio.to_thread(self._stamp)
            try:
                await self.reload()
            except Exception:  # the outermost frame of this task: a defect must not end the reloading
                self._app.log.event("error", "defect", traceback.format_exc())

    async def reload(self) -> None:
        log = self._app.log
        try:
            config = await asyncio.to_thread(self._load)
        except ConfigError as error:
            log.event("error", "reload", f"kept the last good configuration; {error}")
            return
        changed = _fixed_changes(self._app.gateway.catalog.config, config)
        await self._app.swap(config)
        log.event("info", "reload", f"{self._path} is in force")
        if changed:
            log.event("warning", "reload", f"{', '.join(changed)} take effect at the next start")

    def _stamp(self) -> tuple[int, int, int]:
        """Changes when the file is written or replaced; a file that is gone is a change too."""
        try:
            stat = self._path.stat()
        except OSError:
            return (0, 0, 0)
        return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _fixed_changes(old: Config, new: Config) -> list[str]:
    """The keys that differ and that only a start can change."""
    changed = []
    for key in FIXED:
        section, _, field = key.partition(".")
        if getattr(getattr(old, section), field) != getattr(getattr(new, section), field):
            changed.append(key)
    return changed
