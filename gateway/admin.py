"""The admin port. Rule: health, metrics, console and admin API live here and never on the public port."""

import asyncio
from hmac import compare_digest
from pathlib import Path
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.connection import ASGIConnection
from litestar.exceptions import HTTPException, NotAuthorizedException
from litestar.handlers import BaseRouteHandler

from gateway import clock, status
from gateway.gateway import Gateway
from gateway.telemetry import prometheus
from gateway.telemetry.readings import readings

CONSOLE = Path(__file__).parent / "console.html"


def admin_app(gateway: Gateway) -> Litestar:
    """The application of the admin port."""

    def guard(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
        token = gateway.catalog.config.admin.token
        if token is None:
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

    @get("/api/status", guards=[guard])
    async def api_status() -> Response[bytes]:
        return Response(msgspec.json.encode(status.report(gateway)), media_type="application/json")

    @get("/api/decisions", guards=[guard])
    async def api_decisions() -> Response[bytes]:
        return Response(msgspec.json.encode(gateway.decisions.recent()), media_type="application/json")

    @get("/")
    async def console() -> Response[bytes]:
        return Response(_CONSOLE, media_type="text/html; charset=utf-8")

    return Litestar(
        route_handlers=[health, ready, metrics, api_status, api_decisions, console],
        exception_handlers={HTTPException: _refuse_http},
        openapi_config=None,
        logging_config=None,
    )


_CONSOLE = CONSOLE.read_bytes()


def _refuse_http(_: Request[Any, Any, Any], error: HTTPException) -> Response[dict[str, Any]]:
    return Response({"error": {"message": error.detail, "code": error.status_code}}, status_code=error.status_code)
