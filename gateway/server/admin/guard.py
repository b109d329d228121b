"""Who may use the admin port: holders of `admin.token`, or without one, clients that name this machine as the host."""

from hmac import compare_digest
from typing import Any

from litestar.connection import ASGIConnection
from litestar.exceptions import NotAuthorizedException, PermissionDeniedException
from litestar.handlers import BaseRouteHandler

from gateway.catalog.keys import is_local


def authorised(connection: ASGIConnection[Any, Any, Any, Any], _: BaseRouteHandler) -> None:
    """Let a request pass that may see what the gateway does.

    Raises:
        NotAuthorizedException: a token is configured, and the request's bearer token is another or missing.
        PermissionDeniedException: none is configured, and the `Host` header is not this machine's.
    """
    token = connection.app.state.gateway.catalog.config.admin.token
    if token is None:
        if not is_local(connection.headers.get("host", "").encode("latin-1")):
            raise PermissionDeniedException("no admin.token is configured, so only this machine is served")
        return
    given = connection.headers.get("authorization", "").removeprefix("Bearer ")
    if not compare_digest(given.encode(), token.reveal().encode()):
        raise NotAuthorizedException("the admin token is missing or wrong: send 'Authorization: Bearer TOKEN'")
