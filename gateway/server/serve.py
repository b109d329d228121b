"""`cloverleaf serve`: two listeners on one loop, stopped together: not ready, streams finish, exit."""

import asyncio
import contextlib
import functools
import gc
import logging
import signal
import socket
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn
import uvloop
from msgspec import structs

from gateway import clock
from gateway.app import App, default_config
from gateway.config import Config, ConfigError, load
from gateway.config.check import warnings
from gateway.config.schema import Server
from gateway.proxy.context import Gateway
from gateway.recording.log import Bridge, Log
from gateway.server.admin.app import admin_app
from gateway.server.fast_protocol import HotProtocol
from gateway.server.public import public_app
from gateway.server.reload import Reloader

LAST_WORDS = 2.0  # seconds after `drain` for clients to read how their stream ended
KEEP_ALIVE = 75  # seconds an idle client connection is kept: longer than the pools of the usual clients


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="default: ./cloverleaf.yaml, else the quickstart")
    parser.add_argument("--host", help="overrides server.host")
    parser.add_argument("--port", type=int, help="overrides server.port")
    parser.add_argument("--admin-port", type=int, help="overrides admin.port")
    parser.add_argument("--workers", type=int, help="overrides server.workers")


def run(args: Namespace) -> int:
    """Serve until told to stop; 2 when the configuration is wrong or a port is taken."""
    path = Path(args.config) if args.config else default_config()
    reload = functools.partial(_load, path, args)
    try:
        config = reload()
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    if config.server.workers > 1:
        sys.stderr.write("serve: --workers: not supported yet: several workers come with shared state\n")
        return 2
    log = Log(config.telemetry.log)
    for warning in warnings(config):
        log.event("warning", "config", warning)
    logging.getLogger().addHandler(Bridge(log))
    try:
        uvloop.run(_serve(config, log, path, reload))
    except OSError as error:
        sys.stderr.write(f"serve: {error}\n")
        return 2
    finally:
        log.close()
    return 0


def _load(path: Path, args: Namespace) -> Config:
    """The file's configuration, with what the command line says instead."""
    config = load(path)
    server = {"host": args.host, "port": args.port, "workers": args.workers}
    admin = {"port": args.admin_port}
    return structs.replace(
        config,
        server=structs.replace(config.server, **{k: v for k, v in server.items() if v is not None}),
        admin=structs.replace(config.admin, **{k: v for k, v in admin.items() if v is not None}),
    )


class Listener(uvicorn.Server):
    """A uvicorn server whose signals are handled by the process it is part of."""

    serving: asyncio.Task[None]

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def start(self, sock: socket.socket) -> None:
        """Returns when it listens."""
        self.serving = asyncio.create_task(self.serve([sock]))
        while not self.started and not self.serving.done():  # noqa: ASYNC110  # uvicorn says it by an attribute alone
            await asyncio.sleep(0.005)
        if self.serving.done():
            await self.serving

    async def stop(self) -> None:
        """Take no more connections, close the idle ones, and return when the others have closed."""
        self.should_exit = True
        await self.serving


async def _serve(config: Config, log: Log, path: Path, reload: Callable[[], Config]) -> None:
    public_socket = bind(config.server.host, config.server.port)
    admin_socket = bind(config.admin.host, config.admin.port)
    app = await App.start(config, log)
    tasks: list[asyncio.Task[None]] = []
    try:
        public = Listener(public_settings(app.gateway, config.server))
        admin = Listener(settings(admin_app(app.monitor, app.feed), "httptools", drain=1.0))
        reloader = Reloader(app, path, reload)
        stopping = asyncio.Event()
        _handle_signals(stopping, reloader, (public, admin))
        tasks += [asyncio.create_task(reloader.run()), asyncio.create_task(_sweep(public))]
        _tune()
        await public.start(public_socket)
        await admin.start(admin_socket)
        app.gateway.url = public_url(config, public_socket.getsockname()[1])
        greet(config, app.gateway.url, admin_socket.getsockname()[1])
        await stopping.wait()
        await drain(app.gateway, public, config.server.drain)
        app.feed.close()
        await admin.stop()
    finally:
        for task in tasks:
            task.cancel()
        await app.close()


async def drain(gateway: Gateway, public: Listener, limit: float) -> None:
    """Let what is under way finish; what has not after ``limit`` seconds is told so."""
    gateway.draining = True
    late = asyncio.get_running_loop().call_later(limit, _stop_journeys, gateway)
    await public.stop()
    late.cancel()


def _stop_journeys(gateway: Gateway) -> None:
    for journey in list(gateway.journeys):
        journey.stop()


async def _sweep(listener: Listener) -> None:
    while True:
        await asyncio.sleep(KEEP_ALIVE / 10)
        close_idle(listener)


def close_idle(listener: Listener) -> None:
    """Client connections idle for KEEP_ALIVE: one look at all of them costs less than a timer for each request."""
    oldest = clock.now() - KEEP_ALIVE
    for connection in list(listener.server_state.connections):
        if isinstance(connection, HotProtocol) and 0.0 < connection.idle_since < oldest:
            connection.transport.close()


def _tune() -> None:
    """What the start left behind is never garbage, and requests make few cycles, so collections can be rarer. And while
    a thread waits for the interpreter, each callback wakes it in vain: it need not wait long."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
    sys.setswitchinterval(0.0005)


def bind(host: str, port: int) -> socket.socket:
    """A listening address taken.

    Raises:
        OSError: it cannot be had; the message names it.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind((host, port))
    except OSError as error:
        sock.close()
        raise OSError(f"cannot listen on {host}:{port}: {error.strerror}") from None
    return sock


def public_settings(gateway: Gateway, server: Server) -> uvicorn.Config:
    """The public port's.

    Raises:
        OSError: the certificate or its key cannot be used.
    """
    made = settings(public_app(gateway), functools.partial(HotProtocol, gateway), server.drain + LAST_WORDS)
    if server.tls is not None:
        made.ssl_certfile, made.ssl_keyfile = server.tls.cert, server.tls.key
        try:
            made.load()
        except OSError as error:
            raise OSError(f"server.tls: {error}") from None
    return made


def settings(app: Any, http: Any, drain: float) -> uvicorn.Config:
    """``proxy_headers`` off: who the client is must not be a header's word."""
    return uvicorn.Config(
        app,
        http=http,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=drain,  # type: ignore[arg-type]  # it is only ever waited for
    )


def _handle_signals(stopping: asyncio.Event, reloader: Reloader, listeners: tuple[Listener, ...]) -> None:
    def stop() -> None:
        if stopping.is_set():  # asked twice: do not wait for the streams
            for listener in listeners:
                listener.force_exit = True
        stopping.set()

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, stop)
    loop.add_signal_handler(signal.SIGINT, stop)
    loop.add_signal_handler(signal.SIGHUP, reloader.ask)


def public_url(config: Config, port: int) -> str:
    """Where clients on this machine reach it."""
    return f"{'https' if config.server.tls else 'http'}://{_reachable(config.server.host)}:{port}"


def greet(config: Config, base: str, admin_port: int) -> None:
    """The ready line, and what to try first."""
    model = next((name for name in config.models if name != "*"), "MODEL")
    key = "$CLOVERLEAF_KEY" if config.auth.keys else "none-needed"
    sys.stdout.write(f"""cloverleaf is ready on {base}
  console  http://{_reachable(config.admin.host)}:{admin_port}/

  curl {base}/v1/chat/completions -H 'content-type: application/json' -H "authorization: Bearer {key}" \\
    -d '{{"model": "{model}", "messages": [{{"role": "user", "content": "Hello"}}]}}'

  from openai import OpenAI
  client = OpenAI(base_url="{base}/v1", api_key="{key}")
  answer = client.chat.completions.create(model="{model}", messages=[{{"role": "user", "content": "Hello"}}])
  print(answer.choices[0].message.content)

""")
    sys.stdout.flush()


def _reachable(host: str) -> str:
    """A name by which this machine reaches a listening address."""
    if host in ("0.0.0.0", "::", ""):  # noqa: S104  # compared with, not listened on
        return "localhost"
    return f"[{host}]" if ":" in host else host
