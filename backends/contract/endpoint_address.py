"""An endpoint's address and credential, shared by its adapters."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from backends.contract.adapter import Incoming, Origin, Wire
from backends.contract.credentials import Credentials
from backends.contract.dialect import Written

_DEFAULT_PORTS = {"http": 80, "https": 443}


class EndpointAddress:
    """One endpoint's address, its configured headers and its credential. ``root``: what targets are appended to."""

    def __init__(self, root: str, credentials: Credentials, headers: Mapping[str, str]) -> None:
        self.origin, self.prefix = address(root)
        self.credentials = credentials
        lines = {"host": urlsplit(root).netloc.rpartition("@")[2], "accept-encoding": "identity", **headers}
        self.lines = header_lines(lines)

    def wire(self, incoming: Incoming, written: Written) -> Wire:
        """The wire request, authorised.

        Raises:
            Unsendable: there is no credential to send.
        """
        lines = self.lines + incoming.headers + written.headers
        wire = Wire(self.origin, self.prefix + written.target, lines, written.body)
        wire.headers += self.credentials.lines(wire)
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


def header_lines(headers: Mapping[str, str]) -> bytes:
    """Whole header lines, each with its CRLF."""
    return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers.items())
