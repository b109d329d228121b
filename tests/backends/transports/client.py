"""A client of one pool, and a receiver that remembers what it heard."""

import asyncio
from collections.abc import Callable, Mapping

from backends.contract.adapter import Origin, Wire
from backends.contract.headers import headers
from backends.transports.pooled import Call, Pooled
from policies.vocabulary.failure import Fault
from tests.scripted import Scripted


class Heard:
    """A receiver. ``calls``: the names of what was called, in order."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.status = 0
        self.headers: Mapping[bytes, bytes] = {}
        self.parts: list[bytes] = []
        self.fault: Fault | None = None
        self.began = asyncio.Event()
        self.over = asyncio.Event()
        self.on_end: Callable[[], None] = lambda: None
        self.on_head: Callable[[], None] = lambda: None

    @property
    def body(self) -> bytes:
        return b"".join(self.parts)

    def sent(self) -> None:
        self.calls.append("sent")

    def head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self.calls.append("head")
        self.status, self.headers = status, headers
        self.on_head()

    def data(self, data: bytes) -> None:
        self.calls.append("data")
        self.parts.append(data)
        self.began.set()

    def end(self) -> None:
        self.calls.append("end")
        self.over.set()
        self.on_end()

    def lost(self, fault: Fault) -> None:
        self.calls.append("lost")
        self.fault = fault
        self.over.set()


class Client:
    """Sends wires to a scripted server through one pool."""

    def __init__(self, pool: Pooled) -> None:
        self.pool = pool

    def send(self, server: Scripted, body: bytes = b"{}", tls: bool = False) -> tuple[Call, Heard]:
        heard = Heard()
        origin = Origin("127.0.0.1", server.port, tls)
        return self.pool.send(Wire(origin, b"/v1/x", headers(host="h"), body), heard), heard

    async def ask(self, server: Scripted, body: bytes = b"{}", tls: bool = False) -> Heard:
        """Send, and wait for its end."""
        _, heard = self.send(server, body, tls)
        await heard.over.wait()
        return heard


Connect = Callable[..., Client]
