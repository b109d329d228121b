"""Claude on Vertex AI: the client's bytes pass but for the model, which is in the path."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.contract.adapter import Wire
from backends.dialects.google.claude import ClaudeItself
from policies.vocabulary.failure import Failure
from tests.contracts_providers.harness import incoming

MODEL = "claude-sonnet-4-5@20250929"
RESOURCE = "projects/p/locations/us-east5"
ADAPTER = ClaudeItself("https://us-east5-aiplatform.googleapis.com/v1", RESOURCE, MODEL, {})


def encode(body: bytes, family: str = "messages") -> Wire:
    return ADAPTER.encode(incoming(family, body))


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (b'{"model":"m","max_tokens":9}', b'{"anthropic_version":"vertex-2023-10-16","max_tokens":9}'),
        (b'{ "max_tokens" : 9, "model" : "m" }', b'{"anthropic_version":"vertex-2023-10-16", "max_tokens" : 9 }'),
        (b'{"a":1, "model":"m", "b":[ 2 ]}', b'{"anthropic_version":"vertex-2023-10-16","a":1, "b":[ 2 ]}'),
        (b'{"model":"m"}', b'{"anthropic_version":"vertex-2023-10-16"}'),
        (b'{"anthropic_version":"x","model":"m","b":1}', b'{"anthropic_version":"vertex-2023-10-16","b":1}'),
    ],
)
def test_the_model_gives_way_to_the_version_and_all_else_stays(given: bytes, sent: bytes) -> None:
    assert encode(given).body == sent


@given(st.dictionaries(st.text(max_size=8), st.integers() | st.text(), max_size=5), st.integers(0, 5))
def test_whatever_else_the_body_holds(others: dict[str, object], at: int) -> None:
    fields = list({k: v for k, v in others.items() if k not in ("model", "stream", "stream_options")}.items())
    fields.insert(at, ("model", "m"))
    said = msgspec.json.decode(encode(msgspec.json.encode(dict(fields))).body)
    expected = {k: v for k, v in fields if k not in ("model", "models", "provider", "priority")}
    assert said == expected | {"anthropic_version": "vertex-2023-10-16"}


def test_the_verb_says_whether_it_streams() -> None:
    path = b"/v1/projects/p/locations/us-east5/publishers/anthropic/models/claude-sonnet-4-5%4020250929:"
    assert encode(b'{"model":"m"}').target == path + b"rawPredict"
    assert encode(b'{"model":"m","stream":true}').target == path + b"streamRawPredict"


def test_where_tokens_are_counted_the_model_stays_in_the_body() -> None:
    wire = encode(b'{"model":"m","messages":[]}', "count_tokens")
    assert wire.target.endswith(b"/models/count-tokens:rawPredict")
    assert msgspec.json.decode(wire.body) == {
        "anthropic_version": "vertex-2023-10-16",
        "model": MODEL,
        "messages": [],
    }


@pytest.mark.parametrize(
    ("status", "body", "failure"),
    [
        (529, b'{"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}', Failure.OVERLOADED),
        (429, b'{"error":{"code":429,"message":"Quota","status":"RESOURCE_EXHAUSTED"}}', Failure.RATE_LIMITED),
        (
            400,
            b'{"type": "error", "error": {"type": "invalid_request_error", "message": "prompt is too long: 2 > 1"}}',
            Failure.CONTEXT_TOO_LONG,
        ),
        (401, b'{"error":{"code":401,"message":"no","status":"UNAUTHENTICATED"}}', Failure.AUTH),
    ],
)
def test_anthropic_refuses_or_google_before_it(status: int, body: bytes, failure: Failure) -> None:
    assert ADAPTER.fault(incoming("messages", b'{"model":"m"}'), status, {}, body).failure is failure
