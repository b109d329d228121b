"""Rate-limit headers, as each provider spells them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.quota import Remaining, duration, remaining

DATE = {b"date": b"Tue, 24 Nov 2026 12:00:00 GMT"}


@pytest.mark.parametrize(
    ("headers", "left"),
    [
        (
            {
                b"x-ratelimit-limit-requests": b"500",
                b"x-ratelimit-remaining-requests": b"499",
                b"x-ratelimit-reset-requests": b"120ms",
                b"x-ratelimit-remaining-tokens": b"0",
                b"x-ratelimit-reset-tokens": b"6m0s",
            },
            Remaining(499, 0.12, 0, 360),
        ),
        (
            {b"x-ratelimit-remaining-requests-day": b"10", b"x-ratelimit-reset-requests-day": b"33011.38"},
            Remaining(10, 33011.38),
        ),
        (
            {
                b"x-ratelimit-remaining-req-minute": b"3",
                b"x-ratelimit-remaining-tokens-minute": b"90",
                b"x-ratelimit-remaining-tokens-month": b"8000",
            },
            Remaining(3, None, 90),
        ),
        ({b"x-ratelimit-remaining": b"4", b"x-tokenlimit-remaining": b"7"}, Remaining(4, None, 7)),
        (
            {
                **DATE,
                b"anthropic-ratelimit-requests-remaining": b"49",
                b"anthropic-ratelimit-requests-reset": b"2026-11-24T12:00:02Z",
                b"anthropic-ratelimit-input-tokens-remaining": b"9000",
                b"anthropic-ratelimit-input-tokens-reset": b"2026-11-24T12:01:00Z",
                b"anthropic-ratelimit-output-tokens-remaining": b"800",
                b"anthropic-ratelimit-output-tokens-reset": b"2026-11-24T12:00:30Z",
            },
            Remaining(49, 2, 800, 30),
        ),
        (
            {**DATE, b"x-ratelimit-remaining": b"0", b"x-ratelimit-reset": b"1795521605000"},
            Remaining(0, 5),
        ),
        ({b"content-type": b"text/plain", b"x-request-id": b"r"}, None),
        ({b"x-ratelimit-limit-requests": b"500"}, None),
        ({b"x-ratelimit-remaining-requests": b"many", b"x-ratelimit-remaining-tokens": b"nan"}, None),
        ({b"x-ratelimit-remaining-requests": b"1", b"x-ratelimit-reset-requests": b"soon"}, Remaining(1)),
    ],
)
def test_what_is_left(headers: dict[bytes, bytes], left: Remaining | None) -> None:
    assert remaining(headers) == left


@pytest.mark.parametrize(
    ("left", "wait"),
    [
        (Remaining(), None),
        (Remaining(1, 5.0, 1, 5.0), None),
        (Remaining(0, 5.0, 100, 60.0), 5.0),
        (Remaining(0, 5.0, 0, 60.0), 60.0),
        (Remaining(0, None, 100, 60.0), None),
    ],
)
def test_what_is_spent(left: Remaining, wait: float | None) -> None:
    assert left.spent() == wait


@given(st.integers(0, 9), st.integers(0, 59), st.floats(0, 59.9, allow_nan=False))
def test_a_duration(hours: int, minutes: int, seconds: float) -> None:
    seconds = round(seconds, 3)
    assert duration(f"{hours}h{minutes}m{seconds}s") == pytest.approx(hours * 3600 + minutes * 60 + seconds)


@pytest.mark.parametrize(("text", "seconds"), [("132ms", 0.132), ("8.64s", 8.64), ("2m", 120), ("x", None), ("", None)])
def test_short_durations(text: str, seconds: float | None) -> None:
    assert duration(text) == seconds


@given(st.dictionaries(st.binary(max_size=30), st.binary(max_size=12)))
def test_no_header_is_a_trap(headers: dict[bytes, bytes]) -> None:
    remaining(
        {b"x-ratelimit-reset-" + name: value for name, value in headers.items()} | {b"x-ratelimit-remaining": b"1"}
    )
