"""OAuth bearer tokens, requested in the background and refreshed shortly before they expire.

OAuth 2.0 (RFC 6749): the answer of a token endpoint is ``{"access_token", "expires_in"}``; how a provider wants to be
asked for it is its own `Grant`.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from urllib.parse import urlencode

import msgspec

from backends.contract.adapter import Unsendable, Wire
from backends.contract.credentials import RefreshFailed
from backends.contract.endpoint_address import address, own_headers
from backends.contract.headers import NO_HEADERS, Headers, headers
from backends.contract.transport import Transport
from backends.transports.http_get import FetchFailed, fetch
from policies.vocabulary.failure import Failure, Fault

TIMEOUT = 10.0  # seconds for an answer of the token endpoint
EARLY = 300.0  # seconds before its end at which a token is replaced; a short-lived one at half of its life
MARGIN = 10.0  # seconds before its end from which on it is not sent: it may end on its way
LIFETIME = 3600.0  # seconds, where the endpoint names none

#: Makes the request for a token, at this wall-clock time (seconds since the epoch): assertions are signed with it.
Grant = Callable[[float], Wire]

_NONE: Mapping[str, str] = MappingProxyType({})
_FORM = MappingProxyType({"content-type": "application/x-www-form-urlencoded"})


class _Answer(msgspec.Struct):
    access_token: str = ""
    expires_in: float | None = None
    error: str | None = None
    error_description: str | None = None


class Bearer:
    """A Refreshed credential. ``issuer``: who gives the token, for people. ``wall``: seconds since the epoch."""

    def __init__(self, grant: Grant, issuer: str, wall: Callable[[], float]) -> None:
        self._grant = grant
        self._issuer = issuer
        self._wall = wall
        self._fields = NO_HEADERS
        self._until = 0.0
        self._why = "none was asked for yet"

    def headers(self, wire: Wire) -> Headers:
        if self._wall() >= self._until:
            message = f"there is no valid token of {self._issuer}: {self._why}"
            raise Unsendable(Fault(Failure.AUTH, message))
        return self._fields

    async def refresh(self, transport: Transport) -> float:
        try:
            return self._take(await self._ask(transport))
        except RefreshFailed as failed:
            self._why = str(failed)
            raise

    async def _ask(self, transport: Transport) -> _Answer:
        try:
            status, body = await fetch(transport, self._grant(self._wall()), TIMEOUT)
        except FetchFailed as failed:
            raise RefreshFailed(f"{self._issuer} cannot be reached: {failed}") from failed
        try:
            answer = msgspec.json.decode(body, type=_Answer)
        except (msgspec.DecodeError, UnicodeDecodeError):
            answer = _Answer()
        if status != 200 or not answer.access_token:
            said = ": ".join(word for word in (answer.error, answer.error_description) if word)
            raise RefreshFailed(f"{self._issuer} answered {status}{f', {said}' if said else ''}")
        return answer

    def _take(self, answer: _Answer) -> float:
        lifetime = answer.expires_in or LIFETIME
        self._fields = headers(authorization=f"Bearer {answer.access_token}")
        self._until = self._wall() + lifetime - min(MARGIN, lifetime / 4)
        self._why = "the last one has ended"
        return max(lifetime - EARLY, lifetime / 2)


def request(url: str, method: bytes = b"GET", body: bytes = b"", fields: Mapping[str, str] = _NONE) -> Wire:
    """A request to a token endpoint."""
    origin, path = address(url)
    sent = own_headers(url, {"accept": "application/json", **fields})
    return Wire(origin, path or b"/", sent, body, method)


def form(url: str, fields: Mapping[str, str]) -> Wire:
    """A token request that is a form."""
    return request(url, b"POST", urlencode(fields).encode("ascii"), _FORM)
