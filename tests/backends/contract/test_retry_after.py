"""When to come back: each provider's way of saying it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.contract.faults import in_band, of_reply
from backends.contract.retry_after import delay, duration, of_body


def message(text: str) -> bytes:
    return b'{"error":{"message":"%b"}}' % text.encode()


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        (b'{"error":{"code":429,"details":[{"@type":"x/RetryInfo","retryDelay":"34.5s"}]}}', 34.5),
        (b'{"error":{"details":[{"retryDelay" : "2s"}]}}', 2.0),
        (b'{"error":{"retry_after":7}}', 7.0),
        (b'{"error":{"retry_after":"1.5"}}', 1.5),
        (b'{"error":{"retry_after_ms":250}}', 0.25),
        (message("Rate limit reached for tokens. Please try again in 1.2s. Visit the site"), 1.2),
        (message("Please try again in 6m0s."), 360.0),
        (message("try again in 20ms"), 0.02),
        (message("Please retry after 21 seconds."), 21.0),
        (message("Try again in 2 minutes"), 120.0),
        (message("wait until tomorrow"), None),
        (message("please try again later"), None),
        (b'{"error":{"retry_after":null}}', None),
        (b'{"error":{"retry_after":-1}}', None),
        (b'{"retryDelay":"soon"}', None),
        (b"\xff\xfe", None),
        (b"", None),
    ],
)
def test_a_body_says_when(body: bytes, seconds: float | None) -> None:
    assert of_body(body) == (pytest.approx(seconds) if seconds is not None else None)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"x-ratelimit-remaining-requests": "0", "x-ratelimit-reset-requests": "8.64s"}, 8.64),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "132ms"}, 0.132),
        ({"x-ratelimit-remaining-tokens": "9", "x-ratelimit-reset-tokens": "132ms"}, None),
        ({"x-ratelimit-remaining-tokens": "0", "x-ratelimit-reset-tokens": "soon"}, None),
        ({"x-ratelimit-remaining-tokens": "0"}, None),
        (
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            360.0,
        ),
    ],
)
def test_a_spent_limit_says_when(headers: dict[str, str], seconds: float | None) -> None:
    assert delay({k.encode(): v.encode() for k, v in headers.items()}, b"") == seconds


def test_a_header_counts_for_more_than_words() -> None:
    assert delay({b"retry-after": b"3"}, message("try again in 9s")) == 3.0
    assert delay({b"retry-after": b"soon"}, message("try again in 9s")) == 9.0


def test_a_header_that_cannot_be_read_leaves_it_to_the_next() -> None:
    """Seen: an unreadable retry-after-ms hid the retry-after beside it."""
    assert delay({b"retry-after-ms": b"soon", b"retry-after": b"3"}, b"") == 3.0
    spent = {b"x-ratelimit-remaining-tokens": b"0", b"x-ratelimit-reset-tokens": b"6s"}
    assert delay({b"retry-after": b"soon", **spent}, b"") == 6.0


def test_refusals_and_errors_inside_a_200_carry_it() -> None:
    assert of_reply(429, {}, message("try again in 9s")).retry_after == 9.0
    assert of_reply(400, {}, message("try again in 9s")).retry_after is None
    assert in_band(b'{"type":"rate_limit_error","message":"try again in 9s"}').retry_after == 9.0


@given(st.text())
def test_no_text_is_a_negative_or_an_endless_delay(text: str) -> None:
    for found in (duration(text), of_body(text.encode())):
        assert found is None or 0 <= found < float("inf")
