"""One engine: one replica behind one port. Several may run in a process."""

import asyncio
import hmac
import logging
from pathlib import Path

import msgspec

from backends.engine.errors import Refusal
from backends.engine.faults import Fault, FaultBook
from backends.engine.faulty import FaultyAnswer, break_off
from backends.engine.fixed_rate_model import Pacer
from backends.engine.http import Answer, Connection, Request, WireAnswer
from backends.engine.journal import Journal
from backends.engine.metrics import Metrics
from backends.engine.profile import Profile
from backends.engine.replica import Replica
from backends.engine.request_plan import Limits
from backends.engine.routes import METHODS, MODEL, ROUTES, Route
from backends.engine.runner import Runner
from backends.engine.service import Service

BACKLOG = 2048  # connections not yet accepted: a thousand clients may come at once
log = logging.getLogger(__name__)


class EngineOptions(msgspec.Struct, frozen=True, kw_only=True):
    """`speed` hurries the model's clock; `tokens_per_second` replaces the model by a fixed rate for each stream."""

    model: str = "demo"
    profile: Profile = Profile()
    max_model_len: int = 131_072
    api_key: str | None = None
    speed: float = 1.0
    tokens_per_second: float | None = None
    faults: tuple[Fault, ...] = ()
    journal: Path | None = None
    kv_events: str | None = None  # where cache events are published; `{port}` stands for the engine's

    def __post_init__(self) -> None:
        if self.max_model_len > self.profile.num_blocks * self.profile.block_size:
            raise ValueError(
                f"max_model_len {self.max_model_len} needs more than {self.profile.num_blocks} blocks "
                f"of {self.profile.block_size} tokens"
            )
        if self.speed <= 0 or (self.tokens_per_second is not None and self.tokens_per_second <= 0):
            raise ValueError("speed and tokens_per_second must be positive")
        if self.kv_events is not None and self.tokens_per_second is not None:
            raise ValueError("kv_events cannot be combined with tokens_per_second, which emulates no cache")


class Engine:
    def __init__(self, options: EngineOptions) -> None:
        self.options = options
        self._connections: set[Connection] = set()
        self.kv_events = ""  # where its cache events are published

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Listen, and say under which URL."""
        options = self.options
        rate = options.tokens_per_second
        model = Replica(options.profile) if rate is None else Pacer(rate)
        runner = Runner(model, Metrics(), options.speed)
        limits = Limits(options.max_model_len, options.profile.block_size)
        journal = Journal(options.journal) if options.journal is not None else None
        self._service = Service(
            model=options.model,
            profile=options.profile,
            limits=limits,
            runner=runner,
            faults=FaultBook(options.faults),
            journal=journal,
        )
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(
            lambda: Connection(self._serve, self._connections), host, port, backlog=BACKLOG
        )
        bound = self._server.sockets[0].getsockname()[1]
        if options.kv_events is not None and isinstance(model, Replica):
            await self._tell(options.kv_events.replace("{port}", str(bound)), model)
        return f"http://{f'[{host}]' if ':' in host else host}:{bound}"

    async def _tell(self, address: str, model: Replica) -> None:
        """Publish what befalls the cache from now on.

        Raises:
            OSError: the address cannot be had.
        """
        from backends.engine.publisher import Publisher  # needs pyzmq, which nothing else here does

        model.cache.news = []
        try:
            publisher = Publisher(address, self.options.profile.block_size, model.cache.news)
        except OSError:
            await self.stop()
            raise
        self._service.runner.teller, self.kv_events = publisher, publisher.bound

    async def stop(self) -> None:
        """Close the port and every connection."""
        self._server.close()
        for connection in list(self._connections):
            connection.abort()
        self._service.runner.stop()
        await asyncio.sleep(0)  # connections learn of it, and what they were at is written down
        if self._service.journal is not None:
            self._service.journal.close()
        await self._server.wait_closed()

    def _serve(self, request: Request, answer: WireAnswer) -> None:
        answer.id = request.headers.get("x-request-id", "")
        route = _route(request)
        fault = self._service.faults.draw(route.family, route.control) if route else None
        if fault is None:
            self._answer(route, request, answer)
            return
        timer = asyncio.get_running_loop().call_later(fault.delay, self._misbehave, fault, route, request, answer)
        answer.on_leave = timer.cancel

    def _misbehave(self, fault: Fault, route: Route | None, request: Request, answer: WireAnswer) -> None:
        answer.on_leave = None
        if fault.kind in ("status", "health"):
            fault.answer(answer)
        elif fault.kind == "delay":
            self._answer(route, request, answer)
        elif fault.after == 0 and fault.kind != "garbage":
            break_off(answer, fault.kind)
        else:
            self._answer(route, request, FaultyAnswer(answer, fault))

    def _answer(self, route: Route | None, request: Request, answer: Answer) -> None:
        try:
            self._authorise(request)
            if route is None:
                raise _unrouted(request)
            route.endpoint(self._service, request, answer)
        except Refusal as refusal:
            anthropic = route is not None and route.family == "messages"
            answer.respond(refusal.status, refusal.anthropic_body() if anthropic else refusal.body())
        except Exception:
            log.exception("engine failed on %s %s", request.method, request.path)
            answer.respond(500, Refusal(500, "Internal server error").body())

    def _authorise(self, request: Request) -> None:
        """As in vLLM the key guards /v1 alone."""
        key = self.options.api_key
        if key is None or not request.path.startswith("/v1"):
            return
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), f"Bearer {key}".encode()):
            raise Refusal(401, "Unauthorized")


def _route(request: Request) -> Route | None:
    if request.method == "GET" and request.path.startswith("/v1/models/"):
        return MODEL
    return ROUTES.get((request.method, request.path))


def _unrouted(request: Request) -> Refusal:
    if request.path in METHODS:
        return Refusal(405, "Method Not Allowed")
    return Refusal(404, "Not Found")
