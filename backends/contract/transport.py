"""The transport contract: send a wire request; the reply arrives in callbacks."""

from collections.abc import Mapping
from typing import Protocol

from backends.contract.adapter import Wire
from policies.vocabulary.failure import Fault


class Receiver(Protocol):
    """Receives the events of one wire request: sent, then head, then data, then exactly one of end and lost.

    The calls come from the event loop's own callbacks: a receiver does its work at once and never blocks.
    """

    def sent(self) -> None:
        """A connection is up and the request was written to it."""

    def head(self, status: int, headers: Mapping[bytes, bytes]) -> None:
        """The status and headers (lower-case names; a repeated one holds its last value) are here."""

    def data(self, data: bytes) -> None:
        """Body bytes: all that arrived together come together."""

    def end(self) -> None:
        """The answer is complete according to HTTP."""

    def lost(self, fault: Fault) -> None:
        """There will be no (more) answer."""


class Exchange(Protocol):
    """One wire request under way."""

    def cancel(self) -> None:
        """Drop it: the connection is closed, so that the upstream stops working. The receiver gets no further call."""

    def pause(self) -> None:
        """The receiver cannot take more for now."""

    def resume(self) -> None:
        """It can again."""


class Transport(Protocol):
    def send(self, wire: Wire, receiver: Receiver) -> Exchange:
        """Send it; never blocks, never raises for the network's sake."""
        ...

    async def close(self) -> None:
        """Close idle connections."""
