"""The ledger of a running gateway: a disk that is full costs it the recording, a kill its last half second."""

import asyncio
import resource
import signal
from pathlib import Path

import httpx

from gateway.ledger.database import open_to_read
from tests.e2e.process import LIMIT, chat, serving

CONFIG = """
deployments: {here: {provider: embedded, model: demo}}
models: {demo: {deployments: [here]}}
telemetry: {ledger: l.db, log: error}
"""
WAL = 32 * 4096  # bytes: the write-ahead log grows past this within a few batches


def recorded(directory: Path) -> int:
    ledger = open_to_read(directory / "l.db")
    try:
        return int(ledger.execute("SELECT count(*) FROM requests").fetchone()[0])
    finally:
        ledger.close()


async def until_recorded(directory: Path, count: int) -> None:
    async with asyncio.timeout(LIMIT):
        while recorded(directory) < count:
            await asyncio.sleep(0.05)


async def test_a_full_disk_stops_the_recording_and_no_request(tmp_path: Path) -> None:
    async with serving(tmp_path, CONFIG) as gateway, httpx.AsyncClient(timeout=60) as http:
        _, most = resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (WAL, most))  # no file may grow beyond it
        sent = 0
        async with asyncio.timeout(LIMIT):
            while not any("not recorded" in line.get("message", "") for line in gateway.lines()):
                answers = await asyncio.gather(*(chat(http, gateway.url, max_tokens=1) for _ in range(20)))
                assert {answer.status_code for answer in answers} == {200}
                sent += len(answers)
        full = recorded(tmp_path)
        assert full < sent
        answers = [await chat(http, gateway.url, max_tokens=1) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {200}
        resource.prlimit(gateway.pid, resource.RLIMIT_FSIZE, (most, most))  # there is room again
        await until_recorded(tmp_path, sent + 20)
        gateway.signal(signal.SIGTERM)
        assert await gateway.exit() == 0
    assert recorded(tmp_path) == sent + 20, "what waited was written, once"


async def test_a_kill_costs_what_came_after_the_last_batch(tmp_path: Path) -> None:
    async with serving(tmp_path, CONFIG) as gateway, httpx.AsyncClient(timeout=60) as http:
        for _ in range(30):
            await chat(http, gateway.url, max_tokens=1)
        await until_recorded(tmp_path, 30)
        late = [await chat(http, gateway.url, max_tokens=1) for _ in range(5)]
        gateway.kill()
        await gateway.exit()
    assert 30 <= recorded(tmp_path) <= 30 + len(late)
    async with serving(tmp_path, CONFIG) as gateway, httpx.AsyncClient(timeout=60) as http:
        before = recorded(tmp_path)
        await chat(http, gateway.url, max_tokens=1)
        await until_recorded(tmp_path, before + 1)
