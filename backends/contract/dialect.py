"""The dialect contract, sans-io: write a conversation as wire bytes, read the reply as events.

A new provider is one Dialect, given to `backends.serving.translated.Translated`; everything else (front APIs,
commit, usage, refusals in the client's own envelope, dropped fields) is done there.
"""

from collections.abc import Mapping
from typing import ClassVar, Protocol

import msgspec

from backends.contract.conversation import Conversation
from backends.contract.events import Event
from backends.contract.headers import NO_HEADERS, Headers
from policies.vocabulary.failure import Fault


class Written(msgspec.Struct, gc=False):
    """A wire request but for its address and credential.

    ``target``: the path after the deployment's root, with any query. ``dropped``: the fields that could not be spelled
    (names of Conversation's fields, or of ``extra``). ``headers``: what the body asks for.
    """

    target: bytes
    body: bytes
    dropped: tuple[str, ...] = ()
    headers: Headers = NO_HEADERS


class Inexpressible(Exception):
    """Content that the provider cannot be told at all, so that leaving it out would change what was asked.

    ``param``: where it stands in the request; the message is for people.
    """

    def __init__(self, message: str, param: str) -> None:
        super().__init__(message)
        self.param = param


class ReplyReader(Protocol):
    """Reads one 2xx answer, however its bytes are cut. ``fault``: what went wrong; after it no event comes."""

    fault: Fault | None

    def feed(self, data: bytes) -> list[Event]:
        """The events that ``data`` completes; a ping is none."""
        ...

    def close(self) -> list[Event]:
        """The upstream ended: the last events. Sets ``fault`` where the answer is not whole."""
        ...


class ReplyWriter(Protocol):
    """Spells one answer for the client."""

    def write(self, events: list[Event]) -> bytes:
        """Stream bytes for them; nothing yet where the answer is not streamed."""
        ...

    def end(self) -> bytes:
        """The end of the stream, or the whole body."""
        ...


class Dialect(Protocol):
    """One provider's way of speaking. ``takes``: the vendor's own header fields that it understands of a client."""

    takes: ClassVar[frozenset[bytes]]

    def write(self, conversation: Conversation, model: str) -> Written:
        """The wire request for the upstream model ``model``.

        Raises:
            Inexpressible: content this provider cannot be told.
        """
        ...

    def reader(self, stream: bool, content_type: bytes) -> ReplyReader:
        """A fresh reader of a 2xx answer. ``stream``: a streamed one was asked for."""
        ...

    def fault(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
        """What a reply outside 2xx means. Its ``message`` may reach the client; its ``body`` never does."""
        ...
