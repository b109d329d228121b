"""Rate-limit headers, as each provider spells them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.reply.quota import Remaining, remaining

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
    ("left", "seconds"),
    [
        (Remaining(), None),
        (Remaining(5, 1.0), 1.0),
        (Remaining(5, 3600.0, 10, 60.0), 60.0),
        (Remaining(0, 5.0, 10, 60.0), 5.0),
        (Remaining(0, None, 10, 60.0), None),
        (Remaining(None, None, 10, 60.0), 60.0),
    ],
)
def test_how_long_it_holds(left: Remaining, seconds: float | None) -> None:
    assert left.lasts() == seconds


@given(st.dictionaries(st.binary(max_size=30), st.binary(max_size=12)))
def test_no_header_is_a_trap(headers: dict[bytes, bytes]) -> None:
    remaining(
        {b"x-ratelimit-reset-" + name: value for name, value in headers.items()} | {b"x-ratelimit-remaining": b"1"}
    )
