"""The admin port. Rule: health, metrics, console and admin API live here and never on the public port."""

import asyncio
from contextlib import aclosing
from hmac import compare_digest
from pathlib import Path
from typing import Annotated, Any

import msgspec
from litestar import Litestar, Request, Response, asgi, get
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, NotAuthorizedException, NotFoundException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler
from litestar.params import Parameter
from litestar.types import Guard, Receive, Scope, Send

from gateway import clock
from gateway.catalog.keys import is_local
from gateway.catalog.show import shown
from gateway.proxy.context import Gateway
from gateway.reporting import recent_requests as recent
from gateway.reporting import status
from gateway.reporting.event_stream import EventStream
from gateway.reporting.telemetry import prometheus
from gateway.reporting.telemetry.readings import readings
from gateway.state.state_snapshot import saved

STUCK = 60.0  # seconds that a viewer may leave an event unread

_CONSOLE = Path(__file__).parents[1] / "reporting" / "console"
_TYPES = {".html": "text/html", ".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}
_PAGE = {path.name: path.read_bytes() for path in sorted(_CONSOLE.iterdir()) if path.suffix in _TYPES}
_HEADERS = {
    "content-security-policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "cache-control": "no-cache",
}


def admin_app(gateway: Gateway, feed: EventStream) -> Litestar:
    """The application of the admin port."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        token = gateway.catalog.config.admin.token
        if token is None:
            if not is_local(connection.headers.get("host", "").encode("latin-1")):
                raise PermissionDeniedException("no admin.token is configured, so only this machine is served")
            return
        given = connection.headers.get("authorization", "").removeprefix("Bearer ")
        if not compare_digest(given.encode(), token.reveal().encode()):
            raise NotAuthorizedException("the admin token is missing or wrong: send 'Authorization: Bearer TOKEN'")

    @get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @get("/ready")
    async def ready() -> Response[dict[str, str]]:
        why = status.not_ready(gateway)
        return Response({"status": why or "ready"}, status_code=503 if why else 200)

    @get("/metrics", guards=[guard])
    async def metrics() -> Response[str]:
        text = await asyncio.to_thread(prometheus.text, readings(gateway, clock.now()))
        return Response(text, media_type=prometheus.CONTENT_TYPE)

    @get(["/", "/{name:str}"])
    async def console(name: str = "index.html") -> Response[bytes]:
        if name not in _PAGE:
            raise NotFoundException("there is nothing here")
        return Response(_PAGE[name], media_type=_TYPES[Path(name).suffix], headers=_HEADERS)

    return Litestar(
        route_handlers=[health, ready, metrics, console, *_api(gateway, feed, guard)],
        exception_handlers={HTTPException: _refuse_http},
        openapi_config=None,
        logging_config=None,
    )


def _api(gateway: Gateway, feed: EventStream, guard: Guard) -> list[BaseRouteHandler]:
    """What the console, the terminal and scripts read."""

    @get("/api/status", guards=[guard])
    async def api_status(whole: Annotated[str | None, Parameter(query="state")] = None) -> Response[bytes]:
        made = status.report(gateway)
        if whole is not None:
            made.state = saved(gateway.live, gateway.catalog.candidates, clock.now())
        return _json(made)

    @get("/api/decisions", guards=[guard])
    async def api_decisions() -> Response[bytes]:
        return _json(gateway.decisions.recent())

    @get("/api/requests", guards=[guard])
    async def api_requests(
        id: str | None = None, limit: int = 100, explain: str | None = None, again: bool = False
    ) -> Response[bytes]:
        if id is None and explain is not None:
            return _json(recent.explained(gateway, max(0, limit)))
        if id is None:
            return _json(recent.newest(gateway, max(0, limit)))
        found = recent.opened(gateway, id, again)
        if found is None:
            raise NotFoundException("no recent request has this id")
        return _json(found)

    @get("/api/config", guards=[guard])
    async def api_config() -> Response[bytes]:
        return _json(await asyncio.to_thread(shown, gateway.catalog.config))

    @asgi("/api/events", guards=[guard], copy_scope=False)
    async def api_events(scope: Scope, receive: Receive, send: Send) -> None:
        await stream(feed, receive, send)

    return [api_status, api_decisions, api_requests, api_config, api_events]


def _json(value: object) -> Response[bytes]:
    return Response(msgspec.json.encode(value), media_type="application/json", headers={"cache-control": "no-store"})


async def stream(feed: EventStream, receive: Receive, send: Send, patience: float = STUCK) -> None:
    """Events until the viewer leaves. What it does not read waits in its socket, and holds up nobody else."""
    kind = (b"content-type", b"text/event-stream")
    lines = [kind, (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no")]
    full = feed.full
    await send({"type": "http.response.start", "status": 503 if full else 200, "headers": lines})
    gone = asyncio.create_task(_gone(receive))
    try:
        async with aclosing(feed.watch()) as events:
            async for event in events:
                if full or gone.done():
                    break
                async with asyncio.timeout(patience):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        pass  # the server closes what was not finished
    finally:
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _refuse_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    return Response({"error": {"message": error.detail, "code": error.status_code}}, status_code=error.status_code)
