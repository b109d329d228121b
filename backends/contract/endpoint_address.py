"""An endpoint's address and credential, shared by its adapters."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from backends.contract.adapter import Incoming, Origin, Wire
from backends.contract.credentials import Credentials
from backends.contract.dialect import Written
from backends.contract.headers import CARRIED, JSON, EndpointHeaders, Headers, LastJoined, rendered

_DEFAULT_PORTS = {"http": 80, "https": 443}


class EndpointAddress:
    """One endpoint's address, its configured headers and its credential. ``root``: what targets are appended to."""

    def __init__(self, root: str, credentials: Credentials, headers: Mapping[str, str]) -> None:
        self.origin, self.prefix = address(root)
        self.credentials = credentials
        self._own = own_headers(root, headers) | JSON
        self._authorised = LastJoined()
        self._joined: dict[frozenset[bytes], EndpointHeaders] = {}  # by what is taken

    def wire(self, incoming: Incoming, written: Written, takes: frozenset[bytes] = frozenset()) -> Wire:
        """The wire request, authorised. ``takes``: the vendor's own fields that it takes of the client's head.

        Raises:
            Unsendable: there is no credential to send.
        """
        head = self._joined.get(takes)
        if head is None:
            head = self._joined[takes] = EndpointHeaders(self._own, CARRIED | takes)
        headers = head.beside(incoming.headers) | written.headers
        wire = Wire(self.origin, self.prefix + written.target, headers, written.body, id=incoming.id)
        wire.headers = self._authorised.join(headers, self.credentials.headers(wire))
        return wire


def address(url: str) -> tuple[Origin, bytes]:
    """The origin and path prefix (without a trailing slash) of an http(s) URL.

    Raises:
        ValueError: not an http(s) URL with a host.
    """
    parts = urlsplit(url)
    if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
        raise ValueError(f"not an http(s) URL: {url}")
    port = parts.port or _DEFAULT_PORTS[parts.scheme]
    return Origin(parts.hostname, port, parts.scheme == "https"), parts.path.rstrip("/").encode()


def own_headers(root: str, configured: Mapping[str, str]) -> Headers:
    """What each request to an endpoint says. ``configured``: by lower-case names."""
    fields = {"host": urlsplit(root).netloc.rpartition("@")[2], "accept-encoding": "identity", **configured}
    return rendered({name.encode("ascii"): value.encode("latin-1") for name, value in fields.items()})
