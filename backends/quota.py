"""Quota. Rule: what a reply's rate-limit headers leave, whoever sends them; what is not said is not invented.

The providers differ in names and in units, and a name tells both: OpenAI's ``x-ratelimit-remaining-tokens`` (and Azure,
Groq, Together, xAI), ``…-requests-day`` (Cerebras), ``…-req-minute`` (Mistral), ``x-tokenlimit-remaining`` (Together),
``anthropic-ratelimit-input-tokens-remaining``. A reset is a Go duration (6m0s), seconds, a date, or an epoch.
"""

import math
import re
from collections.abc import Mapping
from datetime import datetime
from email.utils import parsedate_to_datetime

import msgspec

from backends.retry_after import duration

_NAME = re.compile(rb"(?:x-|anthropic-)?(rate|token)limit-(.+)")
_EPOCH = 1e9  # a number from here on is a moment (in milliseconds from _EPOCH_MS on), not a duration
_EPOCH_MS = 1e12


class Remaining(msgspec.Struct, frozen=True):
    """What is left of the tightest window. ``resets``: seconds until it is full again, None where that is not said."""

    requests: float | None = None
    requests_reset: float | None = None
    tokens: float | None = None
    tokens_reset: float | None = None

    def lasts(self) -> float | None:
        """Seconds for which this holds: until requests come back where they are used up, else until tokens do."""
        spent = self.requests is not None and self.requests < 1
        return self.requests_reset if spent or self.tokens is None else self.tokens_reset


def remaining(headers: Mapping[bytes, bytes]) -> Remaining | None:
    """What the headers of a reply leave; None where they do not say."""
    left: dict[tuple[bool, bytes], float] = {}
    resets: dict[tuple[bool, bytes], float | None] = {}
    for name, value in headers.items():
        found = _NAME.fullmatch(name)
        if found is None:
            continue
        words = found[2].split(b"-")
        tokens = found[1] == b"token" or b"tokens" in words
        if b"remaining" in words:
            words.remove(b"remaining")
            number = _number(value)
            if number is not None:
                left[tokens, b"-".join(words)] = number
        elif b"reset" in words:
            words.remove(b"reset")
            resets[tokens, b"-".join(words)] = until(value.decode("latin-1").strip(), headers.get(b"date"))
    if not left:
        return None
    (requests, requests_reset), (tokens_left, tokens_reset) = (_tightest(left, resets, kind) for kind in (False, True))
    return Remaining(requests, requests_reset, tokens_left, tokens_reset)


def _tightest(
    left: Mapping[tuple[bool, bytes], float], resets: Mapping[tuple[bool, bytes], float | None], tokens: bool
) -> tuple[float | None, float | None]:
    windows = [key for key in left if key[0] is tokens]
    if not windows:
        return None, None
    window = min(windows, key=lambda key: left[key])
    return left[window], resets.get(window)


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
