"""Contracts run on the event loop that the product serves on."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest
import uvloop

from backends.engine.server import Engine, EngineOptions


def pytest_asyncio_loop_factories() -> dict[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.fixture(params=["hot", "litestar"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def engine() -> AsyncIterator[str]:
    """The root of an engine whose model is ``m``, twenty times faster than life."""
    made = Engine(EngineOptions(model="m", speed=20.0))
    yield await made.start()
    await made.stop()
