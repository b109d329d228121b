"""Remembered message heads: a head equal to the previous one except for Content-Length need not be parsed again.

Peers on a kept-alive connection repeat themselves: from one message to the next the length of the body changes, and
seldom anything else. So what a parser made of such a head holds again, and no parser need read it. What is not the
same to the byte is parsed.
"""

# compiled

import re
from collections.abc import Mapping

_LENGTH = re.compile(rb"\r\ncontent-length:[ \t]*(\d{1,9})(?=\r\n)", re.IGNORECASE)


class Head:
    """The bytes of one, around the digits of its length. ``length``: of the body that ``body_at`` has found last."""

    __slots__ = ("_after", "_at", "_before", "_rest", "length")

    def __init__(self, before: bytes, after: bytes) -> None:
        self._before = before
        self._after = after
        self._at, self._rest = len(before), len(after)
        self.length = 0

    def body_at(self, data: bytes) -> int:
        """Where the body begins in data that starts with this head; 0: it does not."""
        if data.startswith(self._before):
            at = self._at
            end = data.find(b"\r", at, at + 10)
            if data.startswith(self._after, end) and (digits := data[at:end]).isdigit():
                self.length = int(digits)
                return end + self._rest
        return 0


def head(packet: bytes, lines: int) -> Head | None:
    """The head that a packet begins with, in which a parser found so many header lines; None: it names no length, or
    its lines end in another way than ours."""
    end = packet.find(b"\r\n\r\n") + 4
    found = _LENGTH.search(packet, 0, end)
    if found is None or not packet.count(b"\n", 0, end) == packet.count(b"\r\n", 0, end) == lines + 2:
        return None
    return Head(packet[: found.start(1)], packet[found.end() : end])


class Answers:
    """What a server's whole answers began with last. ``headers`` lack the length."""

    __slots__ = ("head", "headers")

    def __init__(self) -> None:
        self.head: Head | None = None
        self.headers: Mapping[bytes, bytes] = {}

    def learn(self, packet: bytes, headers: Mapping[bytes, bytes]) -> None:
        """``packet`` was a whole answer of status 200, after which the connection is kept."""
        self.head = head(packet, len(headers))
        self.headers = {name: value for name, value in headers.items() if name != b"content-length"}
