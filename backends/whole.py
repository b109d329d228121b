"""Whole answers. Rule: a non-streamed answer commits on its whole body; binary audio on its first byte."""

from backends import usage
from backends.faults import in_band
from policies.failure import Failure, Fault
from policies.types import NO_USAGE, Usage


class WholeBody:
    """Holds a JSON answer until it is whole."""

    __slots__ = ("_json", "_parts", "committed", "fault", "progressed", "usage")

    def __init__(self, json: bool) -> None:
        self._json = json  # False: text (a transcription, say), which has no shape to check
        self._parts: list[bytes] = []
        self.committed = False
        self.progressed = True
        self.fault: Fault | None = None
        self.usage: Usage = NO_USAGE

    def feed(self, data: bytes) -> bytes:
        self._parts.append(data)
        return b""

    def close(self) -> bytes:
        body = self._parts[0] if len(self._parts) == 1 else b"".join(self._parts)
        if not body.strip():
            self.fault = Fault(Failure.MALFORMED, "the upstream's answer is empty")
        elif self._json:
            try:
                self.usage, error = usage.of_body(body)
            except ValueError as problem:
                self.fault = Fault(Failure.MALFORMED, f"the upstream's answer is {problem}")
            else:
                self.fault = None if error is None else in_band(error)
        self.committed = self.fault is None
        return body


class Binary:
    """Passes bytes through; the first one commits."""

    __slots__ = ("committed", "fault", "progressed", "usage")

    def __init__(self) -> None:
        self.committed = False
        self.progressed = True
        self.fault: Fault | None = None
        self.usage: Usage = NO_USAGE

    def feed(self, data: bytes) -> bytes:
        self.committed = True
        return data

    def close(self) -> bytes:
        if not self.committed:
            self.fault = Fault(Failure.MALFORMED, "the upstream's answer is empty")
        return b""
