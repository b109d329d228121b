"""The laws of every provider that speaks OpenAI's chat itself: requests and replies pass, broken ones too.

A provider differs from others by its adapter and by the fields it takes otherwise; each difference is checked once.
"""

from collections.abc import Iterator
from itertools import product
from typing import Any

import msgspec
import pytest

from backends.contract.adapter import Adapter, Unsendable
from backends.contract.decoder import Decoder
from backends.contract.families import ALL_FAMILIES
from backends.providers import PROVIDERS
from backends.providers.azure import AZURE
from backends.providers.groq import GROQ
from backends.providers.openai_compatible import OPENAI_COMPATIBLE
from backends.providers.provider import AdapterDeps, Endpoint, Provider
from tests.contracts_providers import chat, clients
from tests.contracts_providers.harness import JSON, SSE, Broken, Case, Refusal, events, incoming
from tests.contracts_providers.harness import chat as chat_request

#: One of each adapter that an answer passes: OpenAI's, Azure's, and the one in front of a provider with other fields.
READERS = (OPENAI_COMPATIBLE, AZURE, GROQ)


def made(provider: Provider) -> Adapter:
    endpoint = Endpoint(
        root="http://upstream.test/v1", model=chat.MODEL, native=ALL_FAMILIES, api_key="key", project="p", region="r"
    )
    deps = AdapterDeps(credential=lambda name, make: make(), wall=lambda: 0.0)
    return provider.make(provider, endpoint, deps)


def own_words(provider: Provider) -> set[str]:
    """The fields that it takes otherwise than OpenAI."""
    fields = provider.fields
    return {*fields.rejects, *fields.renames, *fields.implied}


def exchanges() -> Iterator[tuple[Provider, Case, bool]]:
    """Every case as it is, and for each set of own words those that have one of them; whole and streamed."""
    rows = {repr(each.fields): each for each in PROVIDERS if each.fields.differ}
    for provider in (OPENAI_COMPATIBLE, AZURE, *rows.values()):
        for case, stream in product(chat.CASES, (False, True)):
            fields = msgspec.json.decode(chat_request(case.asked, stream=stream))
            if not provider.fields.differ or not own_words(provider).isdisjoint(fields):
                yield provider, case, stream


def name(value: object) -> str:
    return value.name if isinstance(value, Provider | Case | Refusal | Broken) else str(value)


every_reader = pytest.mark.parametrize("provider", READERS, ids=name)


def answered(provider: Provider, pieces: tuple[bytes, ...], *, stream: bool) -> tuple[bytes, Decoder]:
    came = incoming("chat", chat_request({}, stream=stream))
    decoder = made(provider).decoder(came, SSE if stream else JSON)
    return b"".join(decoder.feed(piece) for piece in pieces) + decoder.close(), decoder


@pytest.mark.parametrize(("provider", "case", "stream"), list(exchanges()), ids=name)
def test_a_request_is_sent_as_it_came_but_for_the_providers_own_words(
    provider: Provider, case: Case, stream: bool
) -> None:
    body = chat_request(case.asked, stream=stream)
    came = incoming("chat", body)
    fields = provider.fields
    if not set(fields.rejects).isdisjoint(case.asked):
        with pytest.raises(Unsendable):
            made(provider).encode(came)
        return
    sent = msgspec.json.decode(made(provider).encode(came).body)
    expected = {**msgspec.json.decode(body), "model": chat.MODEL}
    assert sent == {fields.renames.get(key, key): value for key, value in expected.items() if key not in fields.implied}


@every_reader
@pytest.mark.parametrize("case", chat.CASES, ids=name)
def test_an_answer_passes_to_the_byte_and_a_stream_put_together_is_the_same(provider: Provider, case: Case) -> None:
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


@every_reader
@pytest.mark.parametrize("refusal", chat.REFUSALS, ids=name)
def test_a_refusal_is_a_failure_of_its_kind(provider: Provider, refusal: Refusal) -> None:
    came = incoming("chat", chat_request({}, stream=False))
    fault = made(provider).fault(came, refusal.status, refusal.headers, refusal.body)
    assert (fault.failure, fault.retry_after, fault.credential) == (
        refusal.failure,
        refusal.retry_after,
        refusal.credential,
    )


@every_reader
@pytest.mark.parametrize("broken", chat.BROKEN, ids=name)
def test_a_stream_that_breaks_is_a_failure_and_never_ends_well(provider: Provider, broken: Broken) -> None:
    body, decoder = answered(provider, broken.stream, stream=True)
    assert decoder.fault is not None and decoder.fault.failure is broken.failure
    assert b"[DONE]" not in body
