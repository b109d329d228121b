"""Chunks of chat and completion streams, decoded in full. Only for streams that are recorded or joined."""

from typing import Any

import msgspec

from backends.contract import sse

Json = dict[str, Any]
Piece = tuple[str, str]  # channel, text

#: Fields of a delta whose text is shown as it comes, and can be matched again.
CHANNELS = ("reasoning_content", "reasoning", "content", "refusal")
REASONING = frozenset({"reasoning_content", "reasoning"})
_CALLS = ("tool_calls", "function_call", "audio")

_decode = msgspec.json.Decoder(dict[str, Any]).decode


def read(event: bytes) -> Json | None:
    """The chunk of an event; None: it is a comment, [DONE], or not JSON."""
    try:
        return _decode(sse.payload(event))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def write(chunk: Json) -> bytes:
    return b"data: %b\n\n" % msgspec.json.encode(chunk)


def choices(chunk: Json) -> list[tuple[int, Json]]:
    """Every choice with its index; what is no choice is left out."""
    given = chunk.get("choices")
    found = [each for each in given if isinstance(each, dict)] if isinstance(given, list) else []
    return [(index if isinstance(index := each.get("index"), int) and index >= 0 else 0, each) for each in found]


def choice(chunk: Json) -> Json | None:
    """The first choice, where there is one."""
    given = chunk.get("choices")
    first = given[0] if isinstance(given, list) and given else None
    return first if isinstance(first, dict) else None


def delta(choice: Json) -> Json:
    """Where a choice's texts stand: its delta, or the choice itself in a text_completion."""
    if "text" in choice:
        return choice
    given = choice.get("delta")
    return given if isinstance(given, dict) else {}


def pieces(choice: Json) -> list[Piece]:
    """The texts that a choice adds, in the order in which clients show them."""
    said = delta(choice)
    return [(c, text) for c in (*CHANNELS, "text") if isinstance(text := said.get(c), str) and text]


def calls(choice: Json) -> bool:
    """Whether it holds part of a tool call (or audio)."""
    said = delta(choice)
    return any(said.get(field) for field in _CALLS)
