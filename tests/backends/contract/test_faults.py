"""Refusals, named: what an upstream said, and which failure that is."""

import pytest

from backends.contract.faults import in_band, of_reply
from policies.vocabulary.failure import Failure

VLLM, ASKED = b"BadRequestError", b"invalid_request_error"
TOO_LONG = (
    b'{"object":"error","message":"This model\'s maximum context length is 4096 tokens.","type":"%b","code":400}'
    % VLLM,
    b'{"error":{"message":"The decoder prompt (length 5000) is longer than the maximum model length of 4096. Make sure'
    b' that `max_model_len` is no smaller than the number of text tokens.","type":"%b","code":400}}' % VLLM,
    b'{"error":{"message":"\'max_tokens\' is too large: 9000. This model\'s maximum context length is 4096"}}',
    b'{"error":{"message":"Too long.","type":"%b","code":"context_length_exceeded"}}' % ASKED,
    b'{"error":{"message":"Your input exceeds the context window of this model.","type":"%b"}}' % ASKED,
    b'{"type":"error","error":{"type":"%b","message":"prompt is too long: 210000 tokens > 200000 maximum"}}' % ASKED,
    b'{"type":"error","error":{"type":"%b","message":"input length and `max_tokens` exceed context limit"}}' % ASKED,
    b'{"error":{"code":400,"message":"The input token count (9) exceeds the maximum number of tokens allowed (8)."}}',
)


@pytest.mark.parametrize("body", TOO_LONG)
@pytest.mark.parametrize("status", [400, 413, 422])
def test_a_prompt_that_is_too_long_is_known_by_each_providers_words(status: int, body: bytes) -> None:
    fault = of_reply(status, {}, body)
    assert (fault.failure, fault.status) == (Failure.CONTEXT_TOO_LONG, status)
    assert fault.body == (body if b'"error":{' in body else b"")  # what is not in the envelope is said in ours


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"\'temperature\' must be at most 2","type":"invalid_request_error"}}',
        b'{"error":{"message":"string too long. Expected a maximum length of 64","code":"string_above_max_length"}}',
        b'{"error":{"message":"max_tokens must be at least 1"}}',
        b'{"error":{"message":null,"code":null,"type":null}}',
    ],
)
def test_any_other_400_is_a_bad_request_in_the_upstreams_words(body: bytes) -> None:
    fault = of_reply(400, {b"content-type": b"text/html"}, body)
    assert fault.failure is Failure.BAD_REQUEST
    assert (fault.status, fault.body, fault.content_type) == (400, body, b"text/html")
    assert fault.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"detail":[{"loc":["body","messages"],"msg":"field required"}]}',
        b'{"detail":"There was an error parsing the body"}',
        b'{"error":null}',
        b"",
        b"<html>",
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"error":{"type":' + b"[" * 100_000,
    ],
)
def test_a_400_that_is_not_in_the_envelope_is_left_to_be_said_in_ours(body: bytes) -> None:
    fault = of_reply(400, {b"content-type": b"text/html"}, body)
    assert (fault.failure, fault.status, fault.body) == (Failure.BAD_REQUEST, 400, b"")
    assert fault.message


@pytest.mark.parametrize(
    "body",
    [
        b'{"error":{"message":"The response was filtered","code":"content_filter"}}',
        b'{"error":{"message":"Your request violates our content management policy"}}',
        b'{"error":{"code":"content_policy_violation","message":"no"}}',
    ],
)
def test_a_filter_is_known(body: bytes) -> None:
    assert of_reply(400, {}, body).failure is Failure.CONTENT_FILTERED


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (301, Failure.MALFORMED),
        (304, Failure.MALFORMED),
        (400, Failure.BAD_REQUEST),
        (401, Failure.AUTH),
        (402, Failure.RATE_LIMITED),
        (403, Failure.AUTH),
        (404, Failure.NOT_FOUND),
        (405, Failure.BAD_REQUEST),
        (407, Failure.AUTH),
        (408, Failure.SERVER_ERROR),
        (409, Failure.BAD_REQUEST),
        (413, Failure.BAD_REQUEST),
        (422, Failure.BAD_REQUEST),
        (424, Failure.SERVER_ERROR),
        (429, Failure.RATE_LIMITED),
        (498, Failure.OVERLOADED),
        (500, Failure.SERVER_ERROR),
        (501, Failure.SERVER_ERROR),
        (502, Failure.SERVER_ERROR),
        (503, Failure.OVERLOADED),
        (504, Failure.SERVER_ERROR),
        (529, Failure.OVERLOADED),
        (599, Failure.SERVER_ERROR),
    ],
)
@pytest.mark.parametrize("body", [b"", b'{"error":{"message":"why"}}', b"<html>"])
def test_every_status_has_its_failure(status: int, failure: Failure, body: bytes) -> None:
    assert of_reply(status, {}, body).failure is failure


def test_a_refused_credential_is_not_quoted() -> None:
    fault = of_reply(401, {}, b'{"error":{"message":"Incorrect API key provided: sk-secret"}}')
    assert b"sk-secret" not in fault.body and "sk-secret" not in fault.message


@pytest.mark.parametrize(
    ("status", "body", "spent"),
    [
        (429, b'{"error":{"code":"insufficient_quota","type":"insufficient_quota"}}', True),
        (429, b'{"error":{"type":"insufficient_quota","code":null}}', True),
        (402, b"", True),
        (429, b'{"error":{"code":"rate_limit_exceeded"}}', False),
        (429, b"", False),
    ],
)
def test_a_spent_credential_is_told_from_a_passing_limit(status: int, body: bytes, spent: bool) -> None:
    fault = of_reply(status, {}, body)
    assert (fault.failure, fault.credential) == (Failure.RATE_LIMITED, spent)


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({b"retry-after": b"3"}, 3.0),
        ({b"retry-after": b" 1.5 "}, 1.5),
        ({b"retry-after": b"0"}, 0.0),
        ({b"retry-after-ms": b"250"}, 0.25),
        ({b"retry-after-ms": b"250", b"retry-after": b"9"}, 0.25),
        ({b"retry-after-ms": b"-250"}, 0.0),
        (
            {b"retry-after": b"Wed, 21 Oct 2026 07:28:30 GMT", b"date": b"Wed, 21 Oct 2026 07:28:00 GMT"},
            30.0,
        ),
        (
            {b"retry-after": b"Wed, 21 Oct 2026 07:27:00 GMT", b"date": b"Wed, 21 Oct 2026 07:28:00 GMT"},
            0.0,
        ),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:30 GMT"}, None),
        ({b"retry-after": b"Wed, 21 Oct 2026 07:28:30 GMT", b"date": b"today"}, None),
        ({b"retry-after": b"soon"}, None),
        ({b"retry-after": b"-1"}, None),
        ({b"retry-after": b"3 seconds"}, None),
        ({b"retry-after": b""}, None),
        ({b"retry-after": b"\xff"}, None),
        ({b"retry-after": b"9" * 400}, None),
        ({b"retry-after-ms": b"nan"}, None),
        ({b"retry-after-ms": b"inf"}, None),
        ({b"retry-after-ms": b"soon", b"retry-after": b"3"}, 3.0),
    ],
)
def test_a_delay_is_read_or_not_known(headers: dict[bytes, bytes], seconds: float | None) -> None:
    assert of_reply(429, headers, b"").retry_after == seconds


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (b'{"message":"m","code":429}', Failure.RATE_LIMITED),
        (b'{"message":"m","type":"rate_limit_error"}', Failure.RATE_LIMITED),
        (b'{"message":"m","code":"rate_limit_exceeded"}', Failure.RATE_LIMITED),
        (b'{"message":"m","type":"overloaded_error"}', Failure.OVERLOADED),
        (b'{"message":"m","code":503}', Failure.OVERLOADED),
        (b'{"message":"m","code":"503"}', Failure.OVERLOADED),
        (b'{"message":"m","type":"InternalServerError","code":500}', Failure.SERVER_ERROR),
        (b'{"message":"m","type":"invalid_request_error","code":null}', Failure.BAD_REQUEST),
        (b'{"message":"m","type":"invalid_request_error","code":"context_length_exceeded"}', Failure.CONTEXT_TOO_LONG),
        (b'{"message":"m","type":"BadRequestError","code":400}', Failure.BAD_REQUEST),
        (b'{"message":"m","code":401}', Failure.AUTH),
        (b'{"message":"m"}', Failure.SERVER_ERROR),
        (b'{"message":"m","code":7}', Failure.SERVER_ERROR),
        (b'{"message":"m","code":200}', Failure.SERVER_ERROR),
        (b'{"message":"m","code":"%b"}' % (b"9" * 5000), Failure.SERVER_ERROR),
        (b'"m"', Failure.SERVER_ERROR),
    ],
)
def test_an_error_inside_a_200_is_judged_by_its_own_words(error: bytes, failure: Failure) -> None:
    fault = in_band(error)
    assert (fault.failure, fault.message) == (failure, "m")
    assert fault.body == b'{"error":' + error + b"}"


@pytest.mark.parametrize("error", [b"{}", b"7", b"[]", b"null", b'{"code":{}}'])
def test_an_error_of_no_known_shape_is_the_servers(error: bytes) -> None:
    fault = in_band(error)
    assert (fault.failure, fault.message) == (Failure.SERVER_ERROR, "the upstream sent an error")


def test_a_spent_credential_may_show_inside_a_200() -> None:
    assert in_band(b'{"message":"m","code":"insufficient_quota"}').credential
