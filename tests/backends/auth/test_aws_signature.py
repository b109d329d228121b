"""Our signature is the one botocore computes from the same bytes, for every path and body."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.auth.aws_signature import AwsKeys, SigV4
from backends.contract.adapter import Origin, Wire
from tests.emulators.aws_signature import Identity, problem

ORIGIN = Origin("h", 443, True)
IDS = ("us.amazon.nova-micro-v1%3A0", "arn%3Aaws%3Abedrock%3Aus-east-1%3A1%3Aprovisioned-model%2Fabc", "plain")


def sent(wire: Wire) -> dict[str, str]:
    lines = wire.headers.decode("latin-1").split("\r\n")
    return {name.lower(): value for name, _, value in (line.partition(": ") for line in lines if line)}


@given(st.sampled_from(IDS), st.binary(max_size=100), st.sampled_from(["", "t/ok+en=="]))
def test_it_is_what_the_service_computes(model: str, body: bytes, token: str) -> None:
    identity = Identity(token=token)
    wire = Wire(ORIGIN, f"/model/{model}/converse".encode(), b"host: h.example:8443\r\nx-a: b\r\n", body)
    wire.headers += SigV4(AwsKeys(identity.access_key, identity.secret_key, token), "us-east-1", time.time).lines(wire)
    assert problem(identity, wire.target.decode(), sent(wire), body) is None
    assert problem(identity, wire.target.decode(), sent(wire), body + b"x") is not None


def test_it_holds_the_time_it_was_made() -> None:
    wire = Wire(ORIGIN, b"/model/m/converse", b"host: h\r\n")
    lines = SigV4(AwsKeys("A", "S"), "eu-west-1", lambda: 0.0, "bedrock-mantle").lines(wire)
    assert b"x-amz-date: 19700101T000000Z\r\n" in lines
    assert b"Credential=A/19700101/eu-west-1/bedrock-mantle/aws4_request" in lines


def test_a_secret_shows_nowhere() -> None:
    signer = SigV4(AwsKeys("A", "very-secret"), "eu-west-1", lambda: 0.0)
    assert b"very-secret" not in signer.lines(Wire(ORIGIN, b"/x", b"host: h\r\n"))
    assert "very-secret" not in repr(signer)


@pytest.mark.parametrize("prefix", ["/proxy", "/a b".replace(" ", "%20")])
def test_a_base_url_s_path_is_signed_too(prefix: str) -> None:
    identity = Identity()
    wire = Wire(ORIGIN, f"{prefix}/model/m/converse".encode(), b"host: h\r\n", b"{}")
    wire.headers += SigV4(AwsKeys(identity.access_key, identity.secret_key), "us-east-1", time.time).lines(wire)
    assert problem(identity, wire.target.decode(), sent(wire), b"{}") is None
