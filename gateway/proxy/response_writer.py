"""The response writer contract: what a listener lets a journey do to its client."""

from typing import Protocol


class Flow(Protocol):
    """What feeds the answer, told when the client reads slower than the upstream writes."""

    def pause(self) -> None: ...

    def resume(self) -> None: ...


class ResponseWriter(Protocol):
    """One client's answer. ``lines`` are whole header lines, each with its CRLF; framing headers are the door's own."""

    flow: Flow | None

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        """The whole answer at once."""

    def start(self, status: int, lines: bytes, first: bytes) -> None:
        """The head and the first bytes of an answer whose length is not known."""

    def write(self, data: bytes) -> None:
        """More of it."""

    def end(self) -> None:
        """That was all."""

    def abort(self) -> None:
        """Cut it off, so that the client sees it is not whole."""
