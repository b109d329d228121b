"""What Google's refusals mean."""

import msgspec
import pytest

from backends.dialects.google.dialect import Google
from policies.vocabulary.failure import Failure
from tests.emulators.google_faults import FAULTS


@pytest.mark.parametrize(
    ("fault", "failure", "delay"),
    [
        ("rate_limited", Failure.RATE_LIMITED, 1.5),
        ("exhausted", Failure.RATE_LIMITED, None),
        ("spent_for_today", Failure.RATE_LIMITED, 600.0),
        ("overloaded", Failure.OVERLOADED, None),
        ("internal", Failure.SERVER_ERROR, None),
        ("late", Failure.SERVER_ERROR, None),
        ("too_long", Failure.CONTEXT_TOO_LONG, None),
        ("bad_key", Failure.AUTH, None),
        ("forbidden", Failure.AUTH, None),
        ("not_found", Failure.NOT_FOUND, None),
    ],
)
@pytest.mark.parametrize("in_array", [False, True])
def test_a_refusal_is_one_of_our_failures(fault: str, failure: Failure, delay: float | None, in_array: bool) -> None:
    status, body = FAULTS[fault].whole
    read = Google().fault(status, {}, msgspec.json.encode([body] if in_array else body))
    assert (read.failure, read.retry_after, read.status) == (failure, delay, status)
    assert read.message and not read.body


def test_a_header_wins_over_the_body() -> None:
    status, body = FAULTS["rate_limited"].whole
    assert Google().fault(status, {b"retry-after": b"7"}, msgspec.json.encode(body)).retry_after == 7.0


@pytest.mark.parametrize(
    ("status", "failure"),
    [(429, Failure.RATE_LIMITED), (502, Failure.SERVER_ERROR), (400, Failure.BAD_REQUEST), (302, Failure.MALFORMED)],
)
@pytest.mark.parametrize("body", [b"", b"<html>busy</html>", b"[]", b'{"error": "x"}'])
def test_a_body_that_says_nothing_leaves_the_status(status: int, failure: Failure, body: bytes) -> None:
    assert Google().fault(status, {}, body).failure is failure


def test_a_retry_delay_that_is_none() -> None:
    details = [{"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "soon s"}]
    body = msgspec.json.encode({"error": {"code": 429, "status": "RESOURCE_EXHAUSTED", "details": details}})
    assert Google().fault(429, {}, body).retry_after is None
