"""A gateway in this process. Rule: made and stopped by the functions `cloverleaf serve` uses, on ports of its own."""

import asyncio
import io
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec
import uvicorn

from backends.providers import PROVIDERS
from backends.providers.provider import Provider
from gateway.app import App
from gateway.catalog.stages import Stage
from gateway.config import Config, load
from gateway.proxy.context import Gateway
from gateway.recording.log import Log
from gateway.server.admin.app import admin_app
from gateway.server.public import public_app
from gateway.server.serve import Listener, bind, drain, public_settings, settings

LIMIT = 30.0  # seconds for what takes milliseconds unless the machine is busy


class Running(msgspec.Struct):
    """`url` is the public root; `log` what it has written."""

    app: App
    listener: Listener
    port: int
    log: io.StringIO

    @property
    def gateway(self) -> Gateway:
        return self.app.gateway

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def requests(self) -> list[dict[str, Any]]:
        """What it has logged of requests."""
        self.app.log.flush()
        lines = [msgspec.json.decode(line) for line in self.log.getvalue().splitlines()]
        return [line for line in lines if line["event"] == "request"]

    async def drain(self, limit: float) -> None:
        await drain(self.gateway, self.listener, limit)


def configured(text: str, providers: tuple[Provider, ...] = PROVIDERS) -> Config:
    """The configuration that a file of this text holds."""
    with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
        file.write(text)
        file.flush()
        return load(Path(file.name), {}, providers=providers)


def single(url: str, more: str = "") -> str:
    """A configuration of one deployment, ``d``, which calls upstream-m what clients call ``m`` or ``other``."""
    return f"""
deployments:
  d:
    provider: openai_compatible
    model: upstream-m
    base_url: "{url}"
    price: {{input: 1, output: 2}}
    native: [messages, count_tokens, responses]
models: {{m: {{deployments: [d], aliases: [other]}}, mini-m: {{deployments: [d]}}}}
{more}
"""


@asynccontextmanager
async def running(
    text: str,
    door: str = "hot",
    drain: float = LIMIT,
    providers: tuple[Provider, ...] = PROVIDERS,
    stages: tuple[Stage, ...] = (),
) -> AsyncIterator[Running]:
    """A gateway with this configuration, behind one of its doors. ``stages``: beside its own."""
    log = io.StringIO()
    config = configured(text, providers)
    app = await App.start(config, Log("info", log), stages)
    sock = bind("127.0.0.1", 0)
    listener = Listener(listening(app, config, door, drain))
    await listener.start(sock)
    try:
        yield Running(app, listener, sock.getsockname()[1], log)
    finally:
        for server in listener.servers:
            server.close()
        for connection in list(listener.server_state.connections):
            connection.transport.abort()
        listener.serving.cancel()
        await asyncio.wait([listener.serving])
        await app.close()
        app.log.close()


def listening(app: App, config: Config, door: str, drain: float) -> uvicorn.Config:
    if door == "litestar":
        return settings(public_app(app.gateway), "httptools", drain)
    server = msgspec.structs.replace(config.server, drain=drain)
    return public_settings(app.gateway, server)


async def until(true: Callable[[], object], limit: float = LIMIT) -> None:
    """Wait for something to become true; what is waited for says so in the failure."""
    async with asyncio.timeout(limit):
        while not true():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def admin(gateway: Running) -> AsyncIterator[httpx.AsyncClient]:
    """A client of its admin port, which listens as long."""
    sock = bind("127.0.0.1", 0)
    listener = Listener(settings(admin_app(gateway.app.monitor, gateway.app.feed), "httptools", 1.0))
    await listener.start(sock)
    try:
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{sock.getsockname()[1]}") as client:
            yield client
    finally:
        gateway.app.feed.close()
        await listener.stop()
