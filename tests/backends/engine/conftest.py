"""Engines on real sockets, under both event loops that serve them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
import uvloop
from openai import AsyncOpenAI

from backends.engine.server import Engine, EngineOptions

Serve = Callable[..., Awaitable[str]]


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"asyncio": asyncio.new_event_loop, "uvloop": uvloop.new_event_loop}


@pytest.fixture
async def serve() -> AsyncIterator[Serve]:
    """Start an engine with these options; it is a hundred times faster than life unless told otherwise."""
    engines: list[Engine] = []

    async def start(**options: Any) -> str:
        engine = Engine(EngineOptions(**{"speed": 100.0, **options}))
        engines.append(engine)
        return await engine.start()

    yield start
    for engine in engines:
        await engine.stop()


@pytest.fixture
async def http() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(timeout=60) as client:
        yield client


@pytest.fixture
async def sdk() -> AsyncIterator[Callable[[str], AsyncOpenAI]]:
    """The official client, refusing any answer that its types do not allow."""
    clients: list[AsyncOpenAI] = []

    def connect(url: str, api_key: str = "none") -> AsyncOpenAI:
        client = AsyncOpenAI(
            base_url=f"{url}/v1", api_key=api_key, max_retries=0, timeout=60, _strict_response_validation=True
        )
        clients.append(client)
        return client

    yield connect
    for client in clients:
        await client.close()


@pytest.fixture
def gauge(http: httpx.AsyncClient) -> Callable[[str, str], Awaitable[float]]:
    """The value of the one series of /metrics that starts like this."""

    async def read(url: str, start: str) -> float:
        lines = (await http.get(f"{url}/metrics")).text.splitlines()
        (line,) = [line for line in lines if line.startswith(start)]
        return float(line.rsplit(" ", 1)[1])

    return read
