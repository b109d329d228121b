"""Our signature is the one botocore computes from the same bytes, for every path and body."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.auth.aws_signature import AwsKeys, SigV4
from backends.contract.adapter import Origin, Wire
from backends.contract.headers import headers
from tests.emulators.aws_signature import Identity, problem

ORIGIN = Origin("h", 443, True)
IDS = ("us.amazon.nova-micro-v1%3A0", "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprovisioned-model%2Fabc", "plain")


def sent(wire: Wire) -> dict[str, str]:
    return {name.decode(): value.decode("latin-1") for name, value in wire.headers.fields.items()}


@given(st.sampled_from(IDS), st.binary(max_size=100), st.sampled_from(["", "t/ok+en=="]))
def test_it_is_what_the_service_computes(model: str, body: bytes, token: str) -> None:
    identity = Identity(token=token)
    wire = Wire(ORIGIN, f"/model/{model}/converse".encode(), headers(host="h.example:8443", x_a="b"), body)
    wire.headers |= SigV4(AwsKeys(identity.access_key, identity.secret_key, token), "us-east-1", time.time).headers(
        wire
    )
    assert problem(identity, wire.target.decode(), sent(wire), body) is None
    assert problem(identity, wire.target.decode(), sent(wire), body + b"x") is not None


def test_it_holds_the_time_it_was_made() -> None:
    wire = Wire(ORIGIN, b"/model/m/converse", headers(host="h"))
    fields = SigV4(AwsKeys("A", "S"), "eu-west-1", lambda: 0.0, "bedrock-mantle").headers(wire).fields
    assert fields[b"x-amz-date"] == b"19700101T000000Z"
    assert b"Credential=A/19700101/eu-west-1/bedrock-mantle/aws4_request" in fields[b"authorization"]


def test_a_secret_shows_nowhere() -> None:
    signer = SigV4(AwsKeys("A", "very-secret"), "eu-west-1", lambda: 0.0)
    assert b"very-secret" not in signer.headers(Wire(ORIGIN, b"/x", headers(host="h"))).lines
    assert "very-secret" not in repr(signer)


@pytest.mark.parametrize("prefix", ["/proxy", "/a b".replace(" ", "%20")])
def test_a_base_url_s_path_is_signed_too(prefix: str) -> None:
    identity = Identity()
    wire = Wire(ORIGIN, f"{prefix}/model/m/converse".encode(), headers(host="h"), b"{}")
    wire.headers |= SigV4(AwsKeys(identity.access_key, identity.secret_key), "us-east-1", time.time).headers(wire)
    assert problem(identity, wire.target.decode(), sent(wire), b"{}") is None
