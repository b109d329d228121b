"""A real Prometheus. Rule: Debian's own binary on a port of its own, scraping one gateway; killed when it was asked."""

import asyncio
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from dashboards.__main__ import HERE

LIMIT = 60.0  # seconds for what takes one or two
NEEDED = pytest.mark.skipif(
    not (shutil.which("prometheus") and shutil.which("promtool")),
    reason="Debian's prometheus is not installed: apt-get install prometheus",
)


class Prometheus:
    def __init__(self, url: str, http: httpx.AsyncClient) -> None:
        self._url, self._http = url, http

    async def ask(self, path: str, **parameters: str) -> Any:
        reply = await self._http.get(f"{self._url}/api/v1/{path}", params=parameters)
        told = reply.json()
        assert told["status"] == "success", f"{parameters}: {told}"
        return told["data"]

    async def series(self, expr: str) -> list[Any]:
        """What a query gives now."""
        found: list[Any] = (await self.ask("query", query=expr))["result"]
        return found


@asynccontextmanager
async def scraping(directory: Path, target: str) -> AsyncIterator[Prometheus]:
    """One that scrapes ``target`` (host:port) and evaluates the repository's rules, both once a second."""
    (directory / "prometheus.yaml").write_text(
        yaml.safe_dump(
            {
                "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
                "rule_files": [str(HERE / "prometheus" / "rules.yaml")],
                "scrape_configs": [{"job_name": "cloverleaf", "static_configs": [{"targets": [target]}]}],
            }
        )
    )
    with (directory / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            "prometheus", f"--config.file={directory}/prometheus.yaml", f"--storage.tsdb.path={directory}/data",
            "--web.listen-address=127.0.0.1:0", cwd=directory, stdin=asyncio.subprocess.DEVNULL, stdout=log, stderr=log,
        )  # fmt: skip
    try:
        url = await _listening(directory / "prometheus.log", process)
        async with httpx.AsyncClient(timeout=LIMIT, trust_env=False) as http:
            yield Prometheus(url, http)
    finally:
        process.kill()
        await process.wait()


async def _listening(log: Path, process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(LIMIT):
        while True:
            text = log.read_text()
            assert process.returncode is None, text
            found = re.search(r'msg="Listening on" address=(\S+)', text)
            if found and "Server is ready" in text:
                return f"http://{found[1]}"
            await asyncio.sleep(0.05)
