"""The journal: one line per finished generation, written before its client sees the end.

What an engine that is killed was doing is in no journal: that is what being killed means.
"""

from pathlib import Path
from typing import Literal

import msgspec

End = Literal["finished", "aborted"]


class Line(msgspec.Struct, frozen=True):
    """``id``: the request's x-request-id. Tokens read and generated; ``aborted``: its client left or was cut off."""

    id: str
    prompt: int
    completion: int
    cached: int
    end: End


class Journal:
    """Lines in a file, appended, each written through at once."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("ab", buffering=0)

    def write(self, line: Line) -> None:
        self._file.write(msgspec.json.encode(line) + b"\n")

    def close(self) -> None:
        self._file.close()


def read(path: Path) -> list[Line]:
    """The lines of a journal; one that a kill cut short is left out."""
    lines = path.read_bytes().split(b"\n")[:-1] if path.exists() else []
    return [msgspec.json.decode(line, type=Line) for line in lines]
