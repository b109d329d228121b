"""Token counts. Rule: an engine is asked how many tokens a text is; it answers soon or not at all."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import msgspec

from backends.adapter import Adapter, Incoming
from backends.families import FAMILIES
from backends.peek import peek
from backends.transport import Exchange
from gateway import clock
from policies.failure import Fault
from policies.types import Request

if TYPE_CHECKING:
    from gateway.gateway import Gateway

WITHIN = 1.0  # seconds: somebody waits for what follows
MAX_ANSWER = 8 * 1024 * 1024  # bytes
_TOKENIZE = next(family for family in FAMILIES if family.name == "tokenize")


class _Counted(msgspec.Struct):
    count: int


class TokenCount:
    """One question: a Receiver, and Watched. ``done`` hears the answer, once; None: there is none."""

    def __init__(self, gateway: "Gateway", done: Callable[[int | None], None]) -> None:
        self._gateway = gateway
        self._done = done
        self._exchange: Exchange | None = None
        self._body = bytearray()
        self._status = 0
        self._over = False
        self.deadline = self.total = clock.now() + WITHIN

    def ask(self, adapter: Adapter, text: str, request: Request, headers: bytes) -> None:
        """In the name of ``request``, whose text it is."""
        body = msgspec.json.encode({"model": request.model, "prompt": text, "add_special_tokens": False})
        asked = Request(_TOKENIZE.name, request.model, False, body, 0, request.received)
        wire = adapter.encode(Incoming(asked, _TOKENIZE, peek(_TOKENIZE, body, b""), headers))
        self._gateway.watch.add(self)
        self._exchange = self._gateway.transport.send(wire, self)

    def expire(self, now: float) -> None:
        if self._exchange is not None:
            self._exchange.cancel()
        self._settle(None)

    # Receiver

    def sent(self) -> None: ...

    def head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self._status = status

    def data(self, data: bytes) -> None:
        if len(self._body) < MAX_ANSWER:
            self._body += data

    def end(self) -> None:
        try:
            counted = msgspec.json.decode(self._body, type=_Counted).count if self._status == 200 else None
        except (msgspec.DecodeError, UnicodeDecodeError):
            counted = None
        self._settle(counted)

    def lost(self, fault: Fault) -> None:
        self._settle(None)

    def _settle(self, count: int | None) -> None:
        if not self._over:
            self._over = True
            self._gateway.watch.discard(self)
            self._done(count)
