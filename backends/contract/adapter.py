"""The adapter contract, sans-io: encode a request, choose the decoder of its reply, classify a refusal."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Protocol

import msgspec

from backends.contract.decoder import Decoder
from backends.contract.facts import Facts
from backends.contract.headers import NO_HEADERS, Headers
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import Request


class Origin(msgspec.Struct, frozen=True, gc=False):
    """Where a connection goes; connections are pooled by it."""

    host: str
    port: int
    tls: bool


class Wire(msgspec.Struct, gc=False):
    """One HTTP request. ``headers``: host among them, but neither the body's length nor ``id``, which is sent as
    x-request-id: the transport writes these two."""

    origin: Origin
    target: bytes
    headers: Headers
    body: bytes = b""
    method: bytes = b"POST"
    id: bytes = b""


class Media(msgspec.Struct, frozen=True, gc=False):
    """What a URL of the client's held. ``data``: base64."""

    media_type: str
    data: str


_NONE: Mapping[str, Media] = MappingProxyType({})


class Incoming(msgspec.Struct, gc=False):
    """A client's request on its way to an adapter. ``headers``: the fields that may pass to an upstream; each adapter
    takes those its upstream knows. ``id``: the request's.

    ``facts`` hold its body. ``dropped``: the fields that the last adapter left out. ``fetched``: what its URLs hold, as
    far as it was needed.
    """

    request: Request
    facts: Facts
    headers: Headers = NO_HEADERS
    id: bytes = b""
    dropped: tuple[str, ...] = ()
    fetched: Mapping[str, Media] = _NONE


class Unsendable(Exception):
    """The request cannot be sent here; ``fault`` says why: a field that cannot be expressed, a missing credential."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Adapter(Protocol):
    """Speaks one deployment's dialect at one of its endpoints."""

    def encode(self, incoming: Incoming) -> Wire:
        """The wire request.

        Raises:
            Unsendable: nothing was sent, and nothing can be.
        """
        ...

    def decoder(self, incoming: Incoming, content_type: bytes) -> Decoder:
        """A fresh reader for a 2xx answer of that content type."""
        ...

    def fault(self, incoming: Incoming, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        """What a reply outside 2xx means."""
        ...
