"""The credential contract: authorising a request is one synchronous step; anything that needs the network was fetched
before.

A signature is made of the whole wire request, so it comes last. The wall clock and the secrets are given when a
credential is constructed.
"""

from typing import Protocol

from msgspec import Struct

from backends.contract.adapter import Unsendable, Wire
from backends.contract.headers import Headers, headers
from backends.contract.transport import Transport
from policies.vocabulary.failure import Failure, Fault


class Credentials(Protocol):
    """Authorises requests to one deployment."""

    def headers(self, wire: Wire) -> Headers:
        """The fields that authorise a request which lacks nothing else.

        Raises:
            Unsendable: there is no credential yet, or none that is still valid.
        """
        ...


class Refreshed(Credentials, Protocol):
    """A credential that expires: the gateway refreshes it at start and before its end."""

    async def refresh(self, transport: Transport) -> float:
        """Fetch a new one; seconds until it should be refreshed again.

        Raises:
            RefreshFailed: the issuer refused, or could not be reached; the old one is kept until its end.
        """
        ...


class AwsKeys(Struct, frozen=True):
    """An access key of AWS; ``token`` goes with temporary ones."""

    access_key: str
    secret_key: str
    token: str = ""


class EntraApplication(Struct, frozen=True):
    """An application registered in Microsoft Entra ID. ``authority``: the root of what gives tokens for ``scope``."""

    authority: str
    tenant: str
    client_id: str
    client_secret: str
    scope: str


class RefreshFailed(Exception):
    """No new credential. The message says why, and holds no secret."""


class Fixed:
    """A key that does not change: the same fields for every request."""

    __slots__ = ("_fields",)

    def __init__(self, **fields: str) -> None:
        """``fields``: name (underscores for hyphens) to value; none at all authorises nothing."""
        self._fields = headers(**fields)

    def headers(self, wire: Wire) -> Headers:
        return self._fields


class Missing:
    """No credential at all: requests fail over, and say why."""

    __slots__ = ("_why",)

    def __init__(self, why: str) -> None:
        self._why = why

    def headers(self, wire: Wire) -> Headers:
        raise Unsendable(Fault(Failure.AUTH, self._why))
