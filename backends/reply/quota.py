"""Remaining quota, from the rate-limit headers of every provider.

The providers differ in names and in units, and a name tells both: OpenAI's ``x-ratelimit-remaining-tokens`` (and Azure,
Groq, Together, xAI), ``…-requests-day`` (Cerebras), ``…-req-minute`` (Mistral), ``x-tokenlimit-remaining`` (Together),
``anthropic-ratelimit-input-tokens-remaining``. A reset is a Go duration (6m0s), seconds, a date, or an epoch.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime
from functools import lru_cache

import msgspec

from backends.contract.retry_after import duration

_NAME = re.compile(rb"(?:x-|anthropic-)?(rate|token)limit-(.+)")
_Window = tuple[bool, bytes]  # of tokens or else of requests; the rest of its name
_KINDS = (False, True)
_EPOCH = 1e9  # a number from here on is a moment (in milliseconds from _EPOCH_MS on), not a duration
_EPOCH_MS = 1e12


class Remaining(msgspec.Struct, frozen=True):
    """What is left of the tightest window. ``resets``: seconds until it is full again, None where that is not said."""

    requests: float | None = None
    requests_reset: float | None = None
    tokens: float | None = None
    tokens_reset: float | None = None

    def lasts(self) -> float | None:
        """Seconds until the reset: of requests if they are used up, else of tokens."""
        spent = self.requests is not None and self.requests < 1
        return self.requests_reset if spent or self.tokens is None else self.tokens_reset


def remaining(headers: Mapping[bytes, bytes]) -> Remaining | None:
    """What the headers of a reply leave; None where they do not say."""
    left: dict[_Window, float] = {}
    resets: dict[_Window, bytes] = {}
    for name, value in headers.items():
        meaning = _meaning(name)
        if meaning is None:
            continue
        window, is_reset = meaning
        if is_reset:
            resets[window] = value
        elif (number := _number(value)) is not None:
            left[window] = number
    if not left:
        return None
    requests, tokens = (min((w for w in left if w[0] is kind), key=left.__getitem__, default=None) for kind in _KINDS)
    date = headers.get(b"date")
    return Remaining(
        left.get(requests) if requests else None,
        _reset(resets.get(requests), date) if requests else None,
        left.get(tokens) if tokens else None,
        _reset(resets.get(tokens), date) if tokens else None,
    )


@lru_cache(maxsize=512)
def _meaning(name: bytes) -> tuple[_Window, bool] | None:
    """The window that a header speaks of, and whether of its reset (or of what remains); None for any other header."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    words = found[2].split(b"-")
    word = next((word for word in (b"remaining", b"reset") if word in words), None)
    if word is None:
        return None
    words.remove(word)
    tokens = found[1] == b"token" or b"tokens" in words
    return (tokens, b"-".join(words)), word == b"reset"


def _reset(value: bytes | None, date: bytes | None) -> float | None:
    return None if value is None else until(value.decode("latin-1").strip(), date)


def _number(value: bytes) -> float | None:
    try:
        number = float(value)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def until(text: str, date: bytes | None) -> float | None:
    """Seconds until a reset. A moment counts from the reply's own ``date``, since clocks differ."""
    plain = _number(text.encode("latin-1", "replace"))
    if plain is not None:
        if plain < _EPOCH:
            return plain
        return _after(datetime.fromtimestamp(plain / (1000 if plain >= _EPOCH_MS else 1)).astimezone(), date)
    if text[:2].isdigit() and "T" in text:
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            return None
        return _after(moment, date) if moment.tzinfo is not None else None
    return duration(text)


def _after(moment: datetime, date: bytes | None) -> float | None:
    if date is None:
        return None
    try:
        return max(0.0, (moment - parsedate_to_datetime(date.decode("ascii"))).total_seconds())
    except (ValueError, TypeError, UnicodeDecodeError):
        return None
