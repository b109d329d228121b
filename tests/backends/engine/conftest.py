"""Engines on real sockets."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import uvloop
from openai import AsyncOpenAI

from backends.engine.server import Engine, EngineOptions

Serve = Callable[..., Awaitable[str]]
Connect = Callable[..., AsyncOpenAI]
Gauge = Callable[[str, str], Awaitable[float]]
Wire = Callable[[str], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


def pytest_asyncio_loop_factories(item: pytest.Item) -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    """What touches the wire itself is tested under both loops, the rest under the one that serves."""
    loops = {"uvloop": uvloop.new_event_loop}
    return {**loops, "asyncio": asyncio.new_event_loop} if item.path.stem in ("test_http", "test_faulty") else loops


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
async def sdk() -> AsyncIterator[Connect]:
    """The official client, refusing any answer that its types do not allow.

    Two of its types allow no real server's answer: the null finish_reason within a stream of completions, and the
    base64 that it asks for itself where a list of floats is declared. There `strict=False` is needed.
    """
    clients: list[AsyncOpenAI] = []

    def connect(url: str, api_key: str = "none", strict: bool = True) -> AsyncOpenAI:
        client = AsyncOpenAI(
            base_url=f"{url}/v1", api_key=api_key, max_retries=0, timeout=60, _strict_response_validation=strict
        )
        clients.append(client)
        return client

    yield connect
    for client in clients:
        await client.close()


@pytest.fixture
def gauge(http: httpx.AsyncClient) -> Gauge:
    """The value of the one series of /metrics that starts like this."""

    async def read(url: str, start: str) -> float:
        lines = (await http.get(f"{url}/metrics")).text.splitlines()
        (line,) = [line for line in lines if line.startswith(start)]
        return float(line.rsplit(" ", 1)[1])

    return read


@pytest.fixture
async def connect() -> AsyncIterator[Wire]:
    """Raw connections."""
    writers: list[asyncio.StreamWriter] = []

    async def opened(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writers.append(writer)
        return reader, writer

    yield opened
    for writer in writers:
        writer.transport.abort()
