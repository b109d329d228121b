"""The laws of every provider that speaks OpenAI's chat itself: requests and replies pass, broken ones too."""

from collections.abc import Iterator
from typing import Any, cast

import msgspec
import pytest
from backends.dialects.openai.compatible import ROWS

from backends.contract.adapter import Adapter, Unsendable
from backends.contract.decoder import Decoder
from gateway.catalog.adapter_factory import AdapterDeps, adapter
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.config.deployment import Deployment
from gateway.config.secret import Secret
from tests.contracts_providers import chat, clients
from tests.contracts_providers.harness import JSON, SSE, Broken, Case, Refusal, events, incoming
from tests.contracts_providers.harness import chat as chat_request

PROVIDERS = ("openai", "openai_compatible", "vllm", "embedded", "azure", *ROWS)
#: What a case asks for beyond what every provider takes, in the words of backends/serving/capabilities.py.
FEATURE = {"image": "images", "logprobs": "logprobs", "json_schema": "json_schema", "stop": "penalties"}


def made(provider: str) -> Adapter:
    deployment = Deployment(
        provider=cast(Any, provider), model=chat.MODEL, api_key=Secret("key"), project="p", region="r"
    )
    return adapter(deployment, "http://upstream.test/v1", AdapterDeps(cast(CredentialRefresher, None)))


def pairs() -> Iterator[tuple[str, Case]]:
    for provider in PROVIDERS:
        lacks = ROWS[provider].lacks if provider in ROWS else frozenset()
        yield from ((provider, case) for case in chat.CASES if FEATURE.get(case.name, "") not in lacks)


def name(value: object) -> str:
    return value.name if isinstance(value, Case | Refusal | Broken) else str(value)


every_pair = pytest.mark.parametrize(("provider", "case"), list(pairs()), ids=name)
every_provider = pytest.mark.parametrize("provider", PROVIDERS)


def asked(case: Case) -> dict[str, Any]:
    """The chat request of a case, and what it is sent as where nothing stands in its way."""
    return {**case.asked, "model": chat.MODEL}


def answered(provider: str, pieces: tuple[bytes, ...], *, stream: bool) -> tuple[bytes, Decoder]:
    came = incoming("chat", chat_request({}, stream=stream))
    decoder = made(provider).decoder(came, SSE if stream else JSON)
    return b"".join(decoder.feed(piece) for piece in pieces) + decoder.close(), decoder


@every_pair
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_request_is_sent_as_it_came_but_for_the_rows_own_words(provider: str, case: Case, stream: bool) -> None:
    body = chat_request(case.asked, stream=stream)
    came = incoming("chat", body)
    row = ROWS.get(provider)
    if row and not {*row.rejects}.isdisjoint(case.asked):
        with pytest.raises(Unsendable):
            made(provider).encode(came)
        return
    sent = msgspec.json.decode(made(provider).encode(came).body)
    implied = row.implied if row else ()
    renames = row.renames if row else {}
    expected = {**msgspec.json.decode(body), "model": chat.MODEL}
    assert sent == {renames.get(key, key): value for key, value in expected.items() if key not in implied}


@every_pair
def test_an_answer_passes_to_the_byte_and_a_stream_put_together_is_the_same(provider: str, case: Case) -> None:
    whole, first = answered(provider, (case.whole,), stream=False)
    streamed, second = answered(provider, case.stream, stream=True)
    assert whole == case.whole
    assert streamed == b"".join(case.stream)
    assert first.fault is None and second.fault is None
    assert first.usage == second.usage == case.usage
    message = msgspec.json.decode(whole)
    assert clients.chat(events(streamed))["choices"][0]["finish_reason"] == message["choices"][0]["finish_reason"]
    assert _said(clients.chat(events(streamed))) == _said(message)


def _said(completion: dict[str, Any]) -> dict[str, Any]:
    """What is not empty; a call that was streamed without arguments has none."""
    message = completion["choices"][0]["message"]
    for call in message.get("tool_calls") or ():
        call["function"]["arguments"] = call["function"]["arguments"] or "{}"
    return {key: value for key, value in message.items() if value not in (None, "", [])}


@every_provider
@pytest.mark.parametrize("refusal", chat.REFUSALS, ids=name)
def test_a_refusal_is_a_failure_of_its_kind(provider: str, refusal: Refusal) -> None:
    came = incoming("chat", chat_request({}, stream=False))
    fault = made(provider).fault(came, refusal.status, refusal.headers, refusal.body)
    assert (fault.failure, fault.retry_after, fault.credential) == (
        refusal.failure,
        refusal.retry_after,
        refusal.credential,
    )


@every_provider
@pytest.mark.parametrize("broken", chat.BROKEN, ids=name)
def test_a_stream_that_breaks_is_a_failure_and_never_ends_well(provider: str, broken: Broken) -> None:
    body, decoder = answered(provider, broken.stream, stream=True)
    assert decoder.fault is not None and decoder.fault.failure is broken.failure
    assert b"[DONE]" not in body
