"""Streamed tool-call arguments of Vertex AI: pieces at JSON paths, assembled."""

import re
from itertools import pairwise
from typing import Any

import msgspec

from backends.dialects.google.wire import PartialArg

_STEP = re.compile(r"\.([^.\[\]]+)|\['((?:[^'\\]|\\.)*)'\]|\[(\d+)\]")
MAX_INDEX = 10_000  # of an array: a number out of the air must not fill the memory


class Arguments:
    """The arguments of one call."""

    __slots__ = ("_root",)

    def __init__(self) -> None:
        self._root: dict[str, Any] = {}

    def add(self, pieces: list[PartialArg]) -> None:
        """Put each piece where its path says; texts at one path are joined.

        Raises:
            ValueError: a path leads nowhere.
        """
        for piece in pieces:
            steps = [int(index) if index else name or quoted for name, quoted, index in _STEP.findall(piece.json_path)]
            if not steps or isinstance(steps[0], int):
                raise ValueError(f"a path without a name: {piece.json_path}")
            _put(self._root, steps, piece)

    def text(self) -> str:
        """As JSON."""
        return msgspec.json.encode(self._root).decode()


def _put(inside: Any, steps: list[Any], piece: PartialArg) -> None:
    for step, following in pairwise(steps):
        below = _at(inside, step)
        if below is None:
            below = inside[step] = [] if isinstance(following, int) else {}
        inside = below
    before = _at(inside, steps[-1])
    if piece.string_value is not None:
        inside[steps[-1]] = (before or "") + piece.string_value
    else:
        inside[steps[-1]] = piece.number_value if piece.number_value is not None else piece.bool_value


def _at(inside: Any, step: Any) -> Any:
    """What is there, None where nothing is; a list is made long enough."""
    if isinstance(step, int) and isinstance(inside, list) and step <= MAX_INDEX:
        inside += [None] * (step + 1 - len(inside))
        return inside[step]
    if isinstance(step, str) and isinstance(inside, dict):
        return inside.get(step)
    raise ValueError("a path that does not fit what is there")
