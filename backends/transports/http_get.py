"""A small request through the transport, for health checks, metrics and tokens."""

import asyncio
from collections.abc import Mapping

from backends.contract.adapter import Wire
from backends.contract.transport import Transport
from policies.vocabulary.failure import Fault

MAX_BODY = 8 * 1024 * 1024  # bytes


class FetchFailed(Exception):
    """No answer. ``fault`` says why; None: none in time."""

    def __init__(self, fault: Fault | None) -> None:
        super().__init__(fault.message if fault else "no answer in time")
        self.fault = fault


class _Collect:
    """A receiver that keeps a small answer."""

    def __init__(self) -> None:
        self.done: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._status = 0
        self._body = bytearray()

    def sent(self) -> None:
        pass

    def head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        self._status = status

    def data(self, data: bytes) -> None:
        if len(self._body) < MAX_BODY:
            self._body += data

    def end(self) -> None:
        if not self.done.done():
            self.done.set_result((self._status, bytes(self._body)))

    def lost(self, fault: Fault) -> None:
        if not self.done.done():
            self.done.set_exception(FetchFailed(fault))


async def fetch(transport: Transport, wire: Wire, limit: float) -> tuple[int, bytes]:
    """Status and body.

    Raises:
        FetchFailed: the connection failed, or ``limit`` seconds passed.
    """
    receiver = _Collect()
    exchange = transport.send(wire, receiver)
    try:
        async with asyncio.timeout(limit):
            return await receiver.done
    except TimeoutError:
        raise FetchFailed(None) from None
    finally:
        if not receiver.done.done() or receiver.done.cancelled():
            exchange.cancel()
