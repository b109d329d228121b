"""Pooled transports on real sockets."""

import asyncio
import subprocess
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import uvloop

from backends.transports.pooled import Pooled
from tests.backends.transports.client import Client, Connect


class SkewedLoop(asyncio.SelectorEventLoop):
    """A loop whose clock can be put forward."""

    skew = 0.0

    def time(self) -> float:
        return super().time() + self.skew


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Sockets are tested under the loop that serves and under the one it must not depend on."""
    if item.get_closest_marker("skewed"):
        return {"skewed": SkewedLoop}
    return {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    pool = Pooled()
    yield Client(pool)
    await pool.close()


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Clients over pools made with these options."""
    pools: list[Pooled] = []

    def make(**options: object) -> Client:
        pools.append(Pooled(**options))  # type: ignore[arg-type]
        return Client(pools[-1])

    yield make
    for pool in pools:
        await pool.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1, and its key."""
    folder = tmp_path_factory.mktemp("tls")
    cert, key = folder / "cert.pem", folder / "key.pem"
    curve = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    name = ["-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        ["openssl", "req", "-x509", *curve, *name, "-keyout", key, "-out", cert], check=True, capture_output=True
    )
    return cert, key
