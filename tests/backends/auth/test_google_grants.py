"""How the gateway proves itself to Google, and what it does with the tokens it gets."""

from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from backends.auth.google_account import Account, read_account
from backends.auth.google_grants import grant
from backends.auth.oauth_token import Bearer, request
from backends.contract.adapter import Origin, Unsendable, Wire
from backends.contract.credentials import RefreshFailed
from backends.contract.headers import NO_HEADERS
from backends.transports.pooled import Pooled
from policies.vocabulary.failure import Failure
from tests.contracts.scripted import upstream, whole
from tests.emulators.google import Google, emulated

WIRE = Wire(Origin("h", 1, False), b"/", NO_HEADERS)


@pytest.fixture
async def transport() -> AsyncIterator[Pooled]:
    pooled = Pooled()
    yield pooled
    await pooled.close()


class Clock:
    """A wall clock that is set."""

    def __init__(self) -> None:
        import time

        self.time = time.time()  # the emulated endpoint checks assertions by its own clock

    def __call__(self) -> float:
        return self.time


def account(google: Google, kind: str) -> Account:
    made: dict[str, Any] = {
        "service_account": google.tokens.service_account(),
        "authorized_user": google.tokens.authorized_user(),
        "metadata_server": {"type": "metadata_server", "host": google.tokens.root.partition("://")[2]},
    }[kind]
    return read_account(msgspec.json.encode(made).decode())


@pytest.mark.parametrize("kind", ["service_account", "authorized_user", "metadata_server"])
async def test_each_kind_of_account_gets_a_token(kind: str, transport: Pooled) -> None:
    async with emulated() as (google, _):
        clock = Clock()
        bearer = Bearer(grant(account(google, kind)), "Google", clock)
        with pytest.raises(Unsendable, match="none was asked for yet") as missing:
            bearer.headers(WIRE)
        assert missing.value.fault.failure is Failure.AUTH
        assert await bearer.refresh(transport) == 3300.0
        ((name, value),) = bearer.headers(WIRE).fields.items()
        assert name == b"authorization" and google.tokens.knows(value.decode())
        clock.time += 3589
        assert bearer.headers(WIRE)
        clock.time += 2
        with pytest.raises(Unsendable, match="has ended"):
            bearer.headers(WIRE)


async def test_a_short_lived_token_is_replaced_at_half_its_life(transport: Pooled) -> None:
    async with emulated() as (google, _):
        google.tokens.lifetime = 60
        assert await Bearer(grant(account(google, "metadata_server")), "Google", Clock()).refresh(transport) == 30.0


async def test_a_refresh_that_fails_keeps_the_old_token(transport: Pooled) -> None:
    async with emulated() as (google, _):
        bearer = Bearer(grant(account(google, "service_account")), "Google", Clock())
        await bearer.refresh(transport)
        before = bearer.headers(WIRE)
        google.tokens.down = 1
        with pytest.raises(RefreshFailed, match="Google answered 503, temporarily_unavailable"):
            await bearer.refresh(transport)
        assert bearer.headers(WIRE) == before
        await bearer.refresh(transport)
        assert bearer.headers(WIRE) != before


async def test_a_key_that_google_does_not_know_is_refused(transport: Pooled) -> None:
    async with emulated() as (google, _), emulated() as (other, _):
        stranger = msgspec.structs.replace(
            account(google, "service_account"), private_key=account(other, "service_account").private_key
        )
        bearer = Bearer(grant(stranger), "Google", Clock())
        with pytest.raises(RefreshFailed, match="invalid_grant: Invalid JWT Signature"):
            await bearer.refresh(transport)
        with pytest.raises(Unsendable, match="Invalid JWT Signature"):
            bearer.headers(WIRE)


@pytest.mark.parametrize("body", [b"", b"<html>", b"{}", b'{"access_token": 3}'])
async def test_an_answer_without_a_token_is_none(body: bytes, transport: Pooled) -> None:
    async with upstream(whole(body)) as server:
        url = f"http://127.0.0.1:{server.port}/token"
        bearer = Bearer(lambda now: request(url), "them", Clock())
        with pytest.raises(RefreshFailed, match="them answered 200"):
            await bearer.refresh(transport)


async def test_an_endpoint_that_is_not_there(transport: Pooled) -> None:
    async with upstream(whole(b"")) as server:
        url = f"http://127.0.0.1:{server.port}"
    with pytest.raises(RefreshFailed, match="cannot be reached"):
        await Bearer(lambda now: request(url), "them", Clock()).refresh(transport)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x", "not a Google credentials file"),
        ("[]", "not a Google credentials file"),
        ('{"type": "external_account"}', "'external_account', which is not served"),
        ('{"type": "service_account", "client_email": "a"}', "without private_key"),
        (
            '{"type": "authorized_user", "client_id": "a", "client_secret": "s", "refresh_token": "r", '
            '"token_uri": "ftp://x"}',
            "token_uri",
        ),
    ],
)
def test_a_file_that_is_no_account(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_account(text)


@pytest.mark.parametrize("pem", ["nonsense", "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----"])
def test_a_key_that_is_none(pem: str) -> None:
    with pytest.raises(ValueError, match="not a PEM key"):
        grant(Account("service_account", client_email="a", private_key=pem))
