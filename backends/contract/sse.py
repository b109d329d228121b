"""Server-sent events, sans-io: any split of the bytes gives the same events; only whole events leave."""

# compiled

import re

import msgspec

_END = re.compile(rb"\n\r?\n|\r\r")  # a blank line ends an event
_MARKS = (b"\n\n", b"\n\r\n", b"\r\r")
MAX_EVENT = 32 * 1024 * 1024  # bytes; an event that never ends must not fill the memory


class EventTooLong(Exception):
    """An event grew past MAX_EVENT bytes."""


class Events:
    """Cuts a byte stream at event boundaries."""

    __slots__ = ("_size", "held")

    def __init__(self) -> None:
        self.held: list[bytes] = []
        self._size = 0

    @property
    def tail(self) -> bytes:
        """The unfinished event."""
        return b"".join(self.held)

    def feed(self, data: bytes) -> bytes:
        """The whole events that ``data`` completes, as their own bytes; the rest waits in ``tail``.

        Data that ends on a boundary, with nothing waiting, comes back as the same object.

        Raises:
            EventTooLong: the unfinished event is larger than MAX_EVENT.
        """
        if not self.held:
            if data.endswith(b"\n\n"):
                return data
            whole = data
        else:
            seam = self.held[-1][-2:]  # a boundary may straddle the packets; older ones were searched before
            if not any(mark in seam + data for mark in _MARKS) and len(self.held[-1]) > 1:
                return self._hold(data)
            whole = self.tail + data
        end = max(at + len(mark) if (at := whole.rfind(mark)) >= 0 else 0 for mark in _MARKS)
        self.held.clear()
        self._size = 0
        if end == len(whole):
            return whole
        self._hold(whole[end:])
        return whole[:end]

    def _hold(self, data: bytes) -> bytes:
        self.held.append(data)
        self._size += len(data)
        if self._size > MAX_EVENT:
            raise EventTooLong
        return b""


def split(data: bytes) -> list[bytes]:
    """Whole events, one each, with their boundaries."""
    events, start = [], 0
    for end in _END.finditer(data):
        events.append(data[start : end.end()])
        start = end.end()
    if start < len(data):
        events.append(data[start:])
    return events


def payload(event: bytes) -> bytes:
    """The data of an event: its ``data`` lines joined by newlines; empty where it has none (a comment, say)."""
    lines = [line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:")]
    return lines[0] if len(lines) == 1 else b"\n".join(lines)


def is_json(data: bytes) -> bool:
    """Whether a payload is JSON, whatever its shape."""
    try:
        msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return True
