"""Bedrock's errors are our failures."""

import msgspec
import pytest

from backends.dialects.bedrock.faults import DAILY, of_exception, of_reply
from policies.vocabulary.failure import Failure

CASES = [
    (429, "ThrottlingException", "Too many requests, please wait before trying again.", Failure.RATE_LIMITED),
    (400, "ServiceQuotaExceededException", "x", Failure.RATE_LIMITED),
    (429, "ModelNotReadyException", "x", Failure.OVERLOADED),
    (503, "ServiceUnavailableException", "x", Failure.OVERLOADED),
    (500, "InternalServerException", "x", Failure.SERVER_ERROR),
    (408, "ModelTimeoutException", "x", Failure.SERVER_ERROR),
    (424, "ModelErrorException", "x", Failure.SERVER_ERROR),
    (403, "AccessDeniedException", "x", Failure.AUTH),
    (403, "UnrecognizedClientException", "The security token included in the request is invalid.", Failure.AUTH),
    (403, "ExpiredTokenException", "x", Failure.AUTH),
    (404, "ResourceNotFoundException", "x", Failure.NOT_FOUND),
    (400, "ValidationException", "The provided model identifier is invalid.", Failure.NOT_FOUND),
    (
        400,
        "ValidationException",
        "Invocation of model ID m with on-demand throughput isn\u2019t supported.",
        Failure.NOT_FOUND,
    ),
    (400, "ValidationException", "Input is too long for requested model.", Failure.CONTEXT_TOO_LONG),
    (400, "ValidationException", "prompt is too long: 9 tokens > 8 maximum", Failure.CONTEXT_TOO_LONG),
    (400, "ValidationException", "maxTokens must be positive", Failure.BAD_REQUEST),
]


@pytest.mark.parametrize(("status", "kind", "message", "failure"), CASES)
def test_a_refusal_by_its_name(status: int, kind: str, message: str, failure: Failure) -> None:
    body = msgspec.json.encode({"message": message})
    headers = {b"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/".encode()}
    assert of_reply(status, headers, body).failure is failure
    named = msgspec.json.encode({"message": message, "__type": f"com.amazon.bedrock#{kind}"})
    assert of_reply(status, {}, named).failure is failure


def test_a_refusal_keeps_its_words_but_not_about_credentials() -> None:
    headers = {b"x-amzn-errortype": b"ValidationException"}
    assert of_reply(400, headers, b'{"message": "maxTokens is wrong"}').message == "maxTokens is wrong"
    denied = of_reply(403, {b"x-amzn-errortype": b"AccessDeniedException"}, b'{"message": "user arn:aws:iam::1:x"}')
    assert "arn" not in denied.message


def test_a_day_s_quota_rests_longer_than_a_minute_s() -> None:
    headers = {b"x-amzn-errortype": b"ThrottlingException"}
    body = b'{"message": "Too many tokens per day, please wait before trying again."}'
    assert of_reply(429, headers, body).retry_after == DAILY
    assert of_reply(429, headers, b'{"message": "Too many tokens"}').retry_after is None


def test_an_answer_that_is_no_error_of_aws() -> None:
    assert of_reply(502, {}, b"<html>bad gateway</html>").failure is Failure.SERVER_ERROR
    fault = of_exception({":message-type": "error", ":error-code": "x", ":error-message": "gone"}, b"")
    assert (fault.failure, fault.message) == (Failure.SERVER_ERROR, "gone")
