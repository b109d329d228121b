"""The admin port's application. Health, metrics, console and admin API are here and never on the public port."""

from collections.abc import Sequence
from typing import Any

import msgspec
from litestar import Litestar, Request, Response, Router
from litestar.datastructures import State
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from litestar.types import ControllerRouterHandler

from gateway.reporting.event_stream import EventStream
from gateway.reporting.monitor import Monitor
from gateway.server.admin.api import Api
from gateway.server.admin.console import Console
from gateway.server.admin.events import events
from gateway.server.admin.guard import authorised
from gateway.server.admin.probes import Probes

#: Everything on the admin port. A new endpoint is a method of one of these, or a controller added here.
HANDLERS: tuple[ControllerRouterHandler, ...] = (Probes, Console, Api, events)


class Problem(msgspec.Struct, frozen=True):
    """What was wrong with a request; ``code`` is the HTTP status."""

    message: str
    code: int


class Refused(msgspec.Struct, frozen=True):
    """The envelope of every error."""

    error: Problem


def admin_app(monitor: Monitor, feed: EventStream, handlers: Sequence[ControllerRouterHandler] = HANDLERS) -> Litestar:
    """The application of the admin port. Handlers get ``gateway`` and ``monitor`` by naming them as parameters."""
    gateway = monitor.gateway
    return Litestar(
        route_handlers=handlers,
        dependencies={
            "gateway": Provide(lambda: gateway, sync_to_thread=False),
            "monitor": Provide(lambda: monitor, sync_to_thread=False),
        },
        exception_handlers={HTTPException: _refuse},
        openapi_config=_document(gateway.version),
        logging_config=None,
        state=State({"gateway": gateway, "events": feed}),
    )


def _document(version: str) -> OpenAPIConfig:
    """The OpenAPI document, at `/api/openapi.json` for those who may use the API."""
    scheme = SecurityScheme(type="http", scheme="bearer", description="`admin.token` of the configuration.")
    return OpenAPIConfig(
        title="Cloverleaf admin API",
        version=version,
        components=Components(security_schemes={"token": scheme}),
        render_plugins=[JsonRenderPlugin(path="/openapi.json")],
        openapi_router=Router("/api", route_handlers=[], guards=[authorised], include_in_schema=False),
    )


def _refuse(_: Request[Any, Any, Any], error: HTTPException) -> Response[Refused]:
    """An error in its envelope; where fields of a body or query are wrong, each is named."""
    wrong = error.extra if isinstance(error.extra, list) else []
    fields = [f"{each['key']}: {each['message']}" for each in wrong if "key" in each]
    message = "; ".join(fields) or error.detail
    return Response(Refused(Problem(message, error.status_code)), status_code=error.status_code)
