"""The credential contract: authorising a request is one synchronous step; anything that needs the network was fetched
before.

A signature is made of the whole wire request, so it comes last. The wall clock and the secrets are given when a
credential is constructed.
"""

from typing import Protocol

from msgspec import Struct

from backends.contract.adapter import Unsendable, Wire
from backends.contract.transport import Transport
from policies.vocabulary.failure import Failure, Fault


class Credentials(Protocol):
    """Authorises requests to one deployment."""

    def lines(self, wire: Wire) -> bytes:
        """Header lines, each with its CRLF, for a request that lacks nothing else.

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
    """A key that does not change: the same lines for every request."""

    __slots__ = ("_lines",)

    def __init__(self, **headers: str) -> None:
        """``headers``: name (underscores for hyphens) to value; none at all authorises nothing."""
        lines = (f"{name.replace('_', '-')}: {value}\r\n" for name, value in headers.items())
        self._lines = "".join(lines).encode("latin-1")

    def lines(self, wire: Wire) -> bytes:
        return self._lines


class Missing:
    """No credential at all: requests fail over, and say why."""

    __slots__ = ("_why",)

    def __init__(self, why: str) -> None:
        self._why = why

    def lines(self, wire: Wire) -> bytes:
        raise Unsendable(Fault(Failure.AUTH, self._why))
