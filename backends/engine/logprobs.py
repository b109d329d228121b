"""Plausible log probabilities, derived from the token alone."""

from typing import Any
from zlib import crc32

from backends.engine.text import word


def logprob(piece: str) -> float:
    return -(crc32(piece.encode()) % 2000 + 1) / 1000


def alternatives(piece: str, count: int) -> list[tuple[str, float]]:
    """The token itself and the likeliest others, best first."""
    own = logprob(piece)
    start = crc32(piece.encode())
    others = [word(start + step) for step in range(count)]
    rest = [(other, own - 0.5 * rank) for rank, other in enumerate(others, 1) if other != piece]
    return [(piece, own), *rest][:count]


def chat_entry(piece: str, top: int) -> dict[str, Any]:
    """One token as chat completions report it."""
    return {
        **_token(piece, logprob(piece)),
        "top_logprobs": [_token(other, value) for other, value in alternatives(piece, top)],
    }


def _token(piece: str, value: float) -> dict[str, Any]:
    return {"token": piece, "logprob": value, "bytes": list(piece.encode())}


def completion_entry(pieces: list[str], top: int, offset: int) -> dict[str, Any]:
    """A run of tokens as completions report them; `offset` is where the run begins in the text."""
    offsets: list[int] = []
    for piece in pieces:
        offsets.append(offset)
        offset += len(piece)
    return {
        "text_offset": offsets,
        "token_logprobs": [logprob(piece) for piece in pieces],
        "tokens": pieces,
        "top_logprobs": [dict(alternatives(piece, max(top, 1))) for piece in pieces],
    }
