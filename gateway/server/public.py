"""The public port's application: the endpoint families and /v1/models; anything else is a 404 in OpenAI's envelope."""

from typing import Any

import msgspec
from litestar import Litestar, Request, Response, get
from litestar.exceptions import HTTPException
from litestar.handlers import asgi

from backends.contract.families import FAMILIES, Family
from backends.serving.client_apis import CHAT, client_api
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Key
from gateway.proxy import headers
from gateway.proxy.context import Gateway
from gateway.server import asgi as door

_PREFLIGHT = (
    b"access-control-allow-methods: GET, POST\r\naccess-control-allow-headers: *\r\naccess-control-max-age: 600\r\n"
)


def public_app(gateway: Gateway) -> Litestar:
    """The application of the public port."""
    return Litestar(
        route_handlers=[_models(gateway), _model(gateway), *(_family(gateway, family) for family in FAMILIES)],
        exception_handlers={HTTPException: _refuse_http},
        openapi_config=None,
        logging_config=None,
    )


def _family(gateway: Gateway, family: Family) -> Any:
    @asgi(list(family.paths), copy_scope=False)
    async def handle(scope: door.Scope, receive: door.Receive, send: door.Send) -> None:
        method = scope["method"]
        if method == "POST":
            await door.serve(gateway, family, scope, receive, send)
            return
        answer = door.AsgiAnswer()
        if method == "OPTIONS":
            allowed = headers.cors(dict(scope["headers"]), gateway.catalog.config.server.cors)
            answer.whole(204 if allowed else 403, allowed + _PREFLIGHT if allowed else b"", b"")
        else:
            refused = ErrorResponse(405, f"{method} is not served here; use POST", code="method_not_allowed")
            lines = b"content-type: application/json\r\nallow: POST\r\nx-request-id: %b\r\n"
            answer.whole(405, lines % headers.request_id(dict(scope["headers"])), client_api(family).error(refused))
        await answer.relay(send)

    return handle


def _models(gateway: Gateway) -> Any:
    @get("/v1/models")
    async def list_models(request: Request[Any, Any, Any]) -> Response[bytes]:
        key = _identify(gateway, request)
        if isinstance(key, ErrorResponse):
            return _respond(gateway, request, key.status, CHAT.error(key))
        data = [_described(gateway, name) for name in gateway.catalog.listed if key.allows(name)]
        return _respond(gateway, request, 200, msgspec.json.encode({"object": "list", "data": data}))

    return list_models


def _model(gateway: Gateway) -> Any:
    @get("/v1/models/{name:path}")
    async def one_model(request: Request[Any, Any, Any], name: str) -> Response[bytes]:
        name = name.removeprefix("/")
        key = _identify(gateway, request)
        if isinstance(key, ErrorResponse):
            return _respond(gateway, request, key.status, CHAT.error(key))
        if gateway.catalog.model(name) is None or not key.allows(name):
            refused = ErrorResponse(404, f"the model '{name}' does not exist", code="model_not_found", param="model")
            return _respond(gateway, request, 404, CHAT.error(refused))
        return _respond(gateway, request, 200, msgspec.json.encode(_described(gateway, name)))

    return one_model


def _identify(gateway: Gateway, request: Request[Any, Any, Any]) -> Key | ErrorResponse:
    client = request.scope.get("client")
    return gateway.catalog.keys.identify(dict(request.scope["headers"]), client[0] if client else "")


def _described(gateway: Gateway, name: str) -> dict[str, object]:
    return {"id": name, "object": "model", "created": gateway.started, "owned_by": "cloverleaf"}


def _respond(gateway: Gateway, request: Request[Any, Any, Any], status: int, body: bytes) -> Response[bytes]:
    given = dict(request.scope["headers"])
    lines = b"x-request-id: %b\r\n" % headers.request_id(given) + headers.cors(
        given, gateway.catalog.config.server.cors
    )
    pairs = dict(line.decode("latin-1").split(": ", 1) for line in lines.split(b"\r\n") if line)
    return Response(body, status_code=status, headers=pairs, media_type="application/json")


def _refuse_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    path, method = request.scope["path"], request.scope["method"]
    message = f"{method} {path} is not served here" if error.status_code in (404, 405) else error.detail
    refused = ErrorResponse(error.status_code, message, code="unknown_url")
    given = {"x-request-id": headers.request_id(dict(request.scope["headers"])).decode()}
    return Response(CHAT.error(refused), status_code=error.status_code, headers=given, media_type="application/json")
