"""Answers that break where their fault says, and are ordinary until then."""

import sys
from collections.abc import Callable

from backends.engine.faults import Fault, Kind
from backends.engine.http import JSON, WireAnswer

MALFORMED = b'data: {"id":"chatcmpl-\n\n'


class FaultyAnswer:
    """An Answer that breaks where its fault says."""

    def __init__(self, answer: WireAnswer, fault: Fault) -> None:
        self.id = answer.id
        self._answer = answer
        self._fault = fault
        self._left = fault.after
        self._broken = False

    @property
    def on_leave(self) -> Callable[[], None] | None:
        return self._answer.on_leave

    @on_leave.setter
    def on_leave(self, callback: Callable[[], None] | None) -> None:
        self._answer.on_leave = callback

    def respond(
        self, status: int, body: bytes, content_type: str = JSON, headers: dict[str, str] | None = None
    ) -> None:
        half = body[: len(body) // 2]
        if self._fault.kind == "garbage":
            self._answer.respond(status, half, content_type, headers)
        else:
            self._answer.start_partial(half, promised=len(body))
            self._break()

    def open_stream(self) -> None:
        self._answer.open_stream()

    def send(self, events: list[bytes]) -> None:
        if self._broken:
            return
        whole, rest = events[: self._left], events[self._left :]
        self._left -= len(whole)
        if rest and self._fault.kind == "garbage":
            whole, rest, self._left = [*whole, MALFORMED, *rest], [], sys.maxsize
        if whole:
            self._answer.send(whole)
        if rest:
            self._break()

    def finish(self) -> None:
        if not self._broken:
            self._answer.finish()

    def _break(self) -> None:
        self._broken = True
        break_off(self._answer, self._fault.kind)


def break_off(answer: WireAnswer, kind: Kind) -> None:
    """Reset, cut or leave hanging, now."""
    match kind:
        case "reset":
            answer.reset()
        case "cut":
            on_leave = answer.on_leave
            answer.hang_up()
            if on_leave is not None:
                on_leave()
        case _:
            pass  # a stall keeps the socket and sends no more
