"""Retry delays in seconds, from every header and body form that providers use.

Headers first (``retry-after-ms``, ``retry-after`` in seconds or as a date, a spent ``x-ratelimit-remaining-*`` with its
``x-ratelimit-reset-*``), then the body (Google's ``RetryInfo``, a ``retry_after`` field, the words of the message).
"""

import math
import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

_LIMITS = (b"requests", b"tokens")
_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)(ms|[dhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_RETRY_INFO = re.compile(rb'"retryDelay"\s*:\s*"(\d{1,9}(?:\.\d{1,9})?)s"')
_FIELD = re.compile(rb'"retry_after(_ms)?"\s*:\s*"?(\d{1,9}(?:\.\d{1,9})?)\b')
_WORDS = re.compile(
    r"(?:(?:try again|retry) (?:in|after)) (?:(\d{1,6}(?:\.\d{1,9})?) ?(milliseconds?|seconds?|minutes?)"
    rf"|({_DURATION.pattern}))",
    re.IGNORECASE,
)
_SPELLED = {"millisecond": 0.001, "second": 1.0, "minute": 60.0}


def delay(headers: Mapping[bytes, bytes], body: bytes) -> float | None:
    """Seconds to wait; None where the upstream named no delay that can be read. Never negative."""
    said = _of_headers(headers)
    return said if said is not None else of_body(body)


def of_body(body: bytes) -> float | None:
    """Seconds to wait, as the body of an error says it."""
    info = _RETRY_INFO.search(body)
    if info is not None:
        return float(info[1])
    field = _FIELD.search(body)
    if field is not None:
        return float(field[2]) / (1000 if field[1] else 1)
    words = _WORDS.search(body.decode("utf-8", "replace"))
    if words is None:
        return None
    if words[1]:
        return float(words[1]) * _SPELLED[words[2].lower().rstrip("s")]
    return duration(words[3])


def duration(text: str) -> float | None:
    """Seconds of ``8.64s``, ``132ms``, ``6m0s``; None where it is not one."""
    if _DURATION.fullmatch(text) is None:
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def _of_headers(headers: Mapping[bytes, bytes]) -> float | None:
    for read in (_milliseconds, _seconds_or_date, _of_limits):
        try:
            said = read(headers)
        except (ValueError, KeyError, TypeError, OverflowError, UnicodeDecodeError):
            continue  # it cannot be read: the next may
        if said is not None:
            return said
    return None


def _milliseconds(headers: Mapping[bytes, bytes]) -> float | None:
    return _seconds(float(headers[b"retry-after-ms"]) / 1000)


def _seconds_or_date(headers: Mapping[bytes, bytes]) -> float | None:
    text = headers[b"retry-after"].decode("ascii").strip()
    if text[:1].isdigit():
        return _seconds(float(text))
    sent = parsedate_to_datetime(headers[b"date"].decode("ascii"))
    return _seconds((parsedate_to_datetime(text) - sent).total_seconds())


def _of_limits(headers: Mapping[bytes, bytes]) -> float | None:
    """The longest reset among the limits that are spent."""
    spent = [kind for kind in _LIMITS if headers.get(b"x-ratelimit-remaining-" + kind) == b"0"]
    resets = [duration(headers.get(b"x-ratelimit-reset-" + kind, b"").decode("ascii")) for kind in spent]
    return max((reset for reset in resets if reset is not None), default=None)


def _seconds(value: float) -> float | None:
    return max(0.0, value) if math.isfinite(value) else None
