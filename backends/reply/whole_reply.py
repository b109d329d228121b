"""Replies that are not streamed: committed on the whole body, binary audio on its first byte."""

# compiled

from backends.contract import usage
from backends.contract.faults import in_band
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import NO_USAGE, Usage

MAX_BODY = 512 * 1024 * 1024  # bytes; an answer that never ends must not fill the memory
_NOTHING = (b"{}", b"[]", b'""')


class WholeBody:
    """Holds an answer until it is whole. ``json``: it must be some, and hold something (not so with a text, say)."""

    __slots__ = ("_json", "_parts", "_size", "committed", "fault", "generated", "head", "progressed", "usage")

    def __init__(self, json: bool) -> None:
        self.head = None
        self.generated = 0
        self.committed = False
        self.progressed = True
        self.fault: Fault | None = None
        self.usage: Usage = NO_USAGE
        self._json = json
        self._parts: list[bytes] = []
        self._size = 0

    def feed(self, data: bytes) -> bytes:
        self._parts.append(data)
        self._size += len(data)
        if self._size > MAX_BODY:
            self._parts.clear()
            self.fault = Fault(Failure.MALFORMED, f"the upstream's answer is larger than {MAX_BODY} bytes")
        return b""

    def close(self) -> bytes:
        body = b"".join(self._parts)
        if not body.strip() or (self._json and len(body) < 16 and body.strip() in _NOTHING):
            self.fault = Fault(Failure.MALFORMED, "the upstream's answer is empty")
        elif self._json:
            try:
                self.usage, error = usage.of_body(body)
            except ValueError as problem:
                self.fault = Fault(Failure.MALFORMED, f"the upstream's answer is {problem}")
            else:
                if error is not None:
                    self.fault = in_band(error)
        self.committed = self.fault is None
        return body


class Unexpected(WholeBody):
    """An answer of a kind nobody asked for. It may be an error, which is read; all else is malformed."""

    __slots__ = ("_why",)

    def __init__(self, kind: str, asked: str) -> None:
        super().__init__(json=True)
        self._why = Fault(Failure.MALFORMED, f"the upstream's answer is {kind}, and {asked} was asked for")

    def feed(self, data: bytes) -> bytes:
        if not self._parts and not data.lstrip().startswith(b"{"):
            self.fault = self._why
        return super().feed(data)

    def close(self) -> bytes:
        super().close()
        if self.fault is None or self.fault.failure is Failure.MALFORMED:
            self.fault = self._why
        self.committed = False
        return b""


class Binary:
    """Passes bytes through; the first one commits."""

    __slots__ = ("committed", "fault", "progressed", "usage")
    head = None
    generated = 0

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
