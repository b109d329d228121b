"""The transcript of a stream: what the client was sent, bounded. Past the bound it is discarded, and says so.

Bytes are kept as they pass and read in batches, so that a stream nobody will have to mend costs next to nothing.
"""

from collections.abc import Callable

import msgspec

from backends.contract import sse
from backends.recover import chunk_json as chunk
from backends.recover.chunk_json import Json, Piece

MAX_TEXT = 256 * 1024  # bytes of text; beyond it a stream is not recoverable
BATCH = 16 * 1024  # bytes of events that are read at once


class Kept(msgspec.Struct):
    """``head``: the first chunk without its choices. ``tokens``: chunks with generated content. ``finished``: the
    choices that have ended. ``counted``: the usage was sent."""

    head: Json = {}
    said: list[Piece] = []
    tokens: int = 0
    size: int = 0
    choices: int = 0
    called: bool = False
    finished: set[int] = set()
    counted: bool = False
    overflow: bool = False

    def whole(self, choices: int) -> bool:
        """Whether all of so many choices had come to their end."""
        return len(self.finished) >= max(1, choices, self.choices)

    @property
    def content(self) -> str:
        """The answer's own text."""
        return "".join(text for channel, text in self.said if channel in ("content", "text"))

    @property
    def characters(self) -> int:
        return sum(len(text) for _, text in self.said)

    def channels(self) -> frozenset[str]:
        return frozenset(channel for channel, _ in self.said)

    def read(self, data: bytes) -> None:
        """More whole events."""
        for event in sse.split(data):
            read = None if self.overflow else chunk.read(event)
            if read is not None:
                self._note(read)

    def _note(self, read: Json) -> None:
        if not self.head and read.get("id"):
            self.head = {key: read[key] for key in ("id", "created", "model") if key in read}
        self.counted = self.counted or bool(read.get("usage"))
        for index, each in chunk.choices(read):
            self.choices = max(self.choices, index + 1)
            if each.get("finish_reason"):
                self.finished.add(index)
        choice = chunk.choice(read)
        if choice is None:
            return
        self.called = self.called or chunk.calls(choice)
        pieces = chunk.pieces(choice)
        self.tokens += bool(pieces) or self.called
        for channel, text in pieces:
            self._add(channel, text)

    def _add(self, channel: str, text: str) -> None:
        self.size += len(text.encode())
        if self.size > MAX_TEXT:
            self.overflow = True
            self.said = []
        elif self.said and self.said[-1][0] == channel and len(self.said[-1][1]) < BATCH:
            self.said[-1] = (channel, self.said[-1][1] + text)
        else:
            self.said.append((channel, text))


class TranscriptRecorder:
    """Stands between an attempt and its client's answer."""

    __slots__ = ("_parts", "_size", "_write", "kept")

    def __init__(self, write: Callable[[bytes], None]) -> None:
        self.kept = Kept()
        self._parts: list[bytes] = []
        self._size = 0
        self._write = write

    def write(self, data: bytes) -> None:
        self.keep(data)
        self._write(data)

    def keep(self, data: bytes) -> None:
        self._parts.append(data)
        self._size += len(data)
        if self._size > BATCH:
            self._read()

    def all(self) -> Kept:
        """Everything, read."""
        self._read()
        return self.kept

    def _read(self) -> None:
        self.kept.read(b"".join(self._parts))
        self._parts.clear()
        self._size = 0
