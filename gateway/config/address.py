"""Checks of addresses and names: what will travel in a URL, a header or a label."""

import re
from collections.abc import Callable
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from msgspec import Meta, Struct

from gateway.config.function import importable


class Text(Struct, frozen=True):
    """A string that must match a pattern, and may be tidied on the way in."""

    noun: str
    example: str
    pattern: str
    tidy: Callable[[str], str] = str

    def parse(self, text: str) -> str:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"not {self.noun}: write it like {self.example}")
        return self.tidy(text)

    def show(self, value: object) -> str:
        return str(value)


def known_zone(name: str) -> str:
    """Refuse a time zone that the system's data does not have."""
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("not a time zone: write it like Europe/Paris") from None
    return name


def without_slash(url: str) -> str:
    """Drop the last slash, and refuse a host or port that could not be connected to."""
    try:
        parts = urlsplit(url)
        sound = bool(parts.hostname) and parts.port != 0
    except ValueError:  # its message would repeat the URL
        sound = False
    if not sound:
        raise ValueError("not a URL with a host and a port that can be connected to")
    return url.rstrip("/")


def is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def published_at(template: str, url: str) -> str:
    """Where the engine at ``url`` publishes its cache events."""
    parts = urlsplit(url)
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    port = parts.port or (443 if parts.scheme == "https" else 80)
    return template.replace("{host}", str(host)).replace("{port}", str(port))


_HOST = r"https?://[^/?#@\s\\]+"

ROOT = Text("the root of a server", "http://gpu-1:8000 (no path, no credentials)", rf"^{_HOST}/?$", without_slash)
BASE_URL = Text("a base URL", "https://api.example.com/v1 (no credentials)", rf"^{_HOST}(/[^?#\s]*)?$", without_slash)
NAME = Text("a name", "llama-gpu (letters, digits and . _ - : / @ +)", r"^[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,127}$")
MODEL_NAME = Text("a model name", 'llama-3.1-8b, or "*"', r"^(\*|[A-Za-z0-9][A-Za-z0-9._:/@+-]{0,255})$")
SHA256 = Text("a SHA-256 digest", "the 64 hex digits of sha256sum", r"^[0-9A-Fa-f]{64}$", str.lower)
HEADER = Text("a header name", "x-team", r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,128}$", str.lower)
STATE_URL = Text("a state URL", "memory:// or redis://host:6379/0", r"^(memory://|rediss?://[^\s]+)$")
ORIGIN = Text("an origin", "https://app.example.com", rf"^(\*|{_HOST})$")
PUBLISHER = Text(
    "an address that engines publish at",
    "tcp://{host}:5557 (the engine binds tcp://*:5557)",
    r"^(tcp://(\{host\}|[A-Za-z0-9._-]+|\[[0-9A-Fa-f:]+\]):[0-9]*(\{port\}|[1-9])[0-9]*|ipc:///?[^\s@]+)$",
)
FUNCTION = Text("a function", "my_rules:difficulty", r"^[\w.]+:\w+$", importable)
HOST = Text("a host", "127.0.0.1, ::1 or localhost", r"^[A-Za-z0-9.:_-]{1,253}$")

Root = Annotated[str, Meta(extra={"notation": ROOT})]
BaseUrl = Annotated[str, Meta(extra={"notation": BASE_URL})]
ModelName = Annotated[str, Meta(extra={"notation": MODEL_NAME})]
Sha256 = Annotated[str, Meta(extra={"notation": SHA256})]
HeaderName = Annotated[str, Meta(extra={"notation": HEADER})]
StateUrl = Annotated[str, Meta(extra={"notation": STATE_URL})]
Origin = Annotated[str, Meta(extra={"notation": ORIGIN})]
Publisher = Annotated[str, Meta(extra={"notation": PUBLISHER})]
Host = Annotated[str, Meta(extra={"notation": HOST})]
Zone = Annotated[
    str, Meta(extra={"notation": Text("a time zone", "Europe/Paris", r"[A-Za-z0-9_+/\-]{1,64}", known_zone)})
]
