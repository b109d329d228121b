"""Fetches of URLs that clients name, from public addresses only, within limits.

The guard against request forgery: the host is resolved here, every address it has must be public, and the connection
goes to an address that was checked (a name that changes its mind is of no use); each redirect is checked anew.
"""

import asyncio
import base64
import ssl
from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urljoin, urlsplit

import msgspec

from backends.contract.adapter import Media, Origin, Wire
from backends.contract.headers import headers
from backends.transports.connection import Connection
from policies.vocabulary.failure import Failure, Fault

TYPES = frozenset({"image/png", "image/jpeg", "image/gif", "image/webp", "application/pdf"})
REDIRECTS = 3
MOST = 20  # URLs in one request
_MOVED = frozenset({301, 302, 303, 307, 308})
_NAT64 = IPv6Network("64:ff9b::/96")
_PORTS = {"http": 80, "https": 443}


class Limits(msgspec.Struct, frozen=True):
    """``size``: bytes of all that one request names; ``time``: seconds for all of it."""

    size: int
    time: float


class _Refused(Exception):
    """It is not fetched; the message is for the client."""


def is_public(address: str) -> bool:
    """Whether an IP address is one that anybody on the internet could reach."""
    ip = ip_address(address.partition("%")[0])
    inner = _embedded(ip) if isinstance(ip, IPv6Address) else None
    return all(one.is_global and not one.is_multicast for one in (ip, inner) if one is not None)


def _embedded(ip: IPv6Address) -> IPv4Address | None:
    """The IPv4 address that an IPv6 one leads to."""
    if ip in _NAT64:
        return IPv4Address(int(ip) & 0xFFFFFFFF)
    return ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)


class PublicFetcher:
    """A Fetcher. ``allowed``: which addresses may be connected to."""

    def __init__(
        self, limits: Limits, allowed: Callable[[str], bool] = is_public, context: ssl.SSLContext | None = None
    ) -> None:
        self._limits = limits
        self._allowed = allowed
        self._context = context

    async def fetch(self, urls: tuple[str, ...]) -> Mapping[str, Media] | Fault:
        fetched: dict[str, Media] = {}
        left = self._limits.size
        try:
            if len(urls) > MOST:
                raise _Refused(f"more than {MOST} URLs in one request")
            async with asyncio.timeout(self._limits.time):
                for url in urls:
                    media_type, data = await self._follow(url, left)
                    left -= len(data)
                    fetched[url] = Media(media_type, base64.b64encode(data).decode("ascii"))
        except TimeoutError:
            return _fault(f"the URLs were not fetched within {self._limits.time:g} s (defaults.media.timeout)")
        except _Refused as refused:
            return _fault(str(refused))
        return fetched

    async def _follow(self, url: str, left: int) -> tuple[str, bytes]:
        current = url
        for _ in range(REDIRECTS + 1):
            answer = await self._get(current, left)
            if not answer.location:
                return answer.checked(url)
            current = urljoin(current, answer.location)
        raise _Refused(f"{_name(url)} redirects more than {REDIRECTS} times")

    async def _get(self, url: str, left: int) -> "_Answer":
        origin, target = _parsed(url)
        connection = await self._connected(origin)
        answer = _Answer(left, self._limits.size)
        sent = headers(host=urlsplit(url).netloc, accept="*/*", accept_encoding="identity", user_agent="cloverleaf")
        try:
            connection.request(Wire(origin, target, sent, method=b"GET"), answer, answer)
            await answer.done
        finally:
            connection.abort()
        return answer

    async def _connected(self, origin: Origin) -> Connection:
        """A connection to the first of the host's addresses that takes one."""
        context = self._tls() if origin.tls else None
        why = ""
        for address in await self._resolved(origin):
            try:
                _, connection = await asyncio.get_running_loop().create_connection(
                    Connection, address, origin.port, ssl=context, server_hostname=origin.host if context else None
                )
            except OSError as error:
                why = error.strerror or type(error).__name__
            else:
                return connection
        raise _Refused(f"{origin.host} cannot be reached: {why}")

    def _tls(self) -> ssl.SSLContext:
        if self._context is None:  # it reads the authorities' certificates: once is enough
            self._context = ssl.create_default_context()
        return self._context

    async def _resolved(self, origin: Origin) -> list[str]:
        """The host's addresses, all of which are allowed."""
        loop = asyncio.get_running_loop()
        try:
            found = await loop.getaddrinfo(origin.host, origin.port, type=1)
        except (OSError, UnicodeError) as error:
            raise _Refused(f"{origin.host} cannot be resolved") from error
        addresses = [str(info[4][0]) for info in found]
        if not addresses or not all(self._allowed(address) for address in addresses):
            raise _Refused(f"{origin.host} has an address that is not public")
        return addresses


class _Answer:
    """A Receiver, and the connection's Owner, that keeps at most ``left`` bytes."""

    def __init__(self, left: int, size: int) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.location = ""
        self._type = ""
        self._status = 0
        self._data = bytearray()
        self._left = left
        self._size = size

    def sent(self) -> None: ...

    def head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self._status = status
        self._type = headers.get(b"content-type", b"").partition(b";")[0].strip().lower().decode("latin-1")
        if status in _MOVED:
            self.location = headers.get(b"location", b"").decode("latin-1")
            self._settle(None)
        elif int(headers.get(b"content-length", b"0")) > self._left:
            self._settle(self._too_large())

    def data(self, data: bytes) -> None:
        self._data += data
        if len(self._data) > self._left:
            self._settle(self._too_large())

    def end(self) -> None:
        self._settle(None)

    def finished(self, reusable: bool) -> None: ...

    def lost(self, fault: Fault, answered: bool = False) -> None:
        self._settle(_Refused(f"a URL could not be fetched: {fault.message}"))

    def checked(self, url: str) -> tuple[str, bytes]:
        """Type and content of a good answer."""
        if self._status != 200:
            raise _Refused(f"{_name(url)} answered {self._status}")
        if self._type not in TYPES:
            raise _Refused(
                f"{_name(url)} has a content type that is not fetched (supported: {', '.join(sorted(TYPES))})"
            )
        return self._type, bytes(self._data)

    def _too_large(self) -> _Refused:
        return _Refused(f"the URLs' content has more than {self._size} bytes (defaults.media.max_size)")

    def _settle(self, problem: _Refused | None) -> None:
        if self.done.done():
            return
        if problem is None:
            self.done.set_result(None)
        else:
            self.done.set_exception(problem)


def _parsed(url: str) -> tuple[Origin, bytes]:
    try:
        parts = urlsplit(url)
        port = parts.port or _PORTS[parts.scheme]
        target = f"{parts.path or '/'}{f'?{parts.query}' if parts.query else ''}".encode("ascii")
        parts.netloc.encode("ascii")
    except (ValueError, KeyError):
        raise _Refused("a URL is not an http(s) URL in ASCII characters") from None
    if not parts.hostname or "@" in parts.netloc or any(byte <= 0x20 for byte in target):
        raise _Refused("a URL must have a host, and no credentials")
    return Origin(parts.hostname, port, parts.scheme == "https"), target


def _name(url: str) -> str:
    """A URL for a message: its query may hold a signature."""
    return url.partition("?")[0][:200]


def _fault(message: str) -> Fault:
    return Fault(Failure.BAD_REQUEST, message, param="messages")
