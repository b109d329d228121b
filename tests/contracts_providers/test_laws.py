"""The laws of every dialect: what is sent, what comes back, however the bytes are cut, and what goes wrong."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import ChatCompletion, ChatCompletionChunk
from openai.types.responses import Response

from backends.contract.adapter import Unsendable
from policies.vocabulary.failure import Failure
from tests.contracts_providers import clients
from tests.contracts_providers.harness import Broken, Case, Provider, Refusal, answered, encode, events, incoming
from tests.contracts_providers.harness import chat as chat_request
from tests.contracts_providers.rows import BROKEN, CASES, PROVIDERS, REFUSALS, name

#: What every provider has a row of, whatever else it has.
SHARED = {"chat", "tools", "json_schema", "image", "reasoning", "stop", "long", "cached", "refused"}
every_case = pytest.mark.parametrize(("provider", "case"), CASES, ids=name)


@pytest.mark.parametrize("provider", PROVIDERS, ids=name)
def test_no_provider_leaves_a_case_out(provider: Provider) -> None:
    cases = {case.name: case for case in provider.cases}
    assert cases.keys() >= SHARED
    assert len(cases["tools"].told["tool_calls"]) == 2, "parallel calls, streamed too"
    assert cases["cached"].usage.cached > 0
    refused = {refusal.failure for refusal in provider.refusals}
    assert refused >= {Failure.RATE_LIMITED, Failure.OVERLOADED, Failure.CONTEXT_TOO_LONG}
    broken = {broken.failure for broken in provider.broken}
    assert broken >= {Failure.BROKEN_STREAM, Failure.MALFORMED}


@every_case
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_what_is_asked_is_sent_in_the_providers_words(provider: Provider, case: Case, stream: bool) -> None:
    sent = msgspec.json.decode(encode(provider, case.asked, stream=stream).body)
    assert {key: sent.get(key) for key in case.sent} == case.sent


@every_case
def test_a_whole_answer_is_a_chat_completion(provider: Provider, case: Case) -> None:
    body, decoder = answered(provider, "chat", [case.whole], stream=False)
    completion = ChatCompletion.model_validate_json(body, strict=True)
    message = msgspec.json.decode(body)["choices"][0]["message"]
    assert decoder.fault is None
    assert {key: message.get(key) for key in case.told} == case.told
    assert completion.choices[0].finish_reason == case.finish
    assert decoder.usage == case.usage
    assert completion.usage is not None
    assert completion.usage.total_tokens == case.usage.prompt + case.usage.completion


@every_case
def test_every_chunk_of_a_stream_is_a_chat_completion_chunk(provider: Provider, case: Case) -> None:
    body, decoder = answered(provider, "chat", case.stream, stream=True)
    assert decoder.committed and decoder.fault is None
    assert body.endswith(b"data: [DONE]\n\n")
    for chunk in events(body):
        ChatCompletionChunk.model_validate_json(msgspec.json.encode(chunk), strict=True)


@every_case
def test_a_chat_stream_put_together_is_the_whole_answer(provider: Provider, case: Case) -> None:
    whole, _ = answered(provider, "chat", [case.whole], stream=False)
    streamed, decoder = answered(provider, "chat", case.stream, stream=True)
    assert clients.chat(events(streamed)) == clients.chat_whole(msgspec.json.decode(whole))
    assert decoder.usage == case.usage


@every_case
def test_a_messages_stream_put_together_is_the_whole_answer(provider: Provider, case: Case) -> None:
    whole, _ = answered(provider, "messages", [case.whole], stream=False)
    streamed, decoder = answered(provider, "messages", case.stream, stream=True)
    assert clients.messages(events(streamed)) == msgspec.json.decode(whole)
    assert decoder.usage == case.usage


@every_case
def test_a_responses_stream_put_together_is_the_whole_answer(provider: Provider, case: Case) -> None:
    whole, _ = answered(provider, "responses", [case.whole], stream=False)
    streamed, decoder = answered(provider, "responses", case.stream, stream=True)
    response = Response.model_validate_json(whole, strict=True)
    assert clients.responses(events(streamed)) == {**msgspec.json.decode(whole)}
    assert response.status == ("incomplete" if case.finish in ("length", "content_filter") else "completed")
    assert decoder.usage == case.usage


@pytest.mark.parametrize("provider", PROVIDERS, ids=name)
@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_any_cut_of_the_bytes_gives_the_same_answer(provider: Provider, data: st.DataObject) -> None:
    case = data.draw(st.sampled_from([case for case in provider.cases if case.name != "long"]))
    family = data.draw(st.sampled_from(["chat", "messages", "responses"]))
    whole = b"".join(case.stream)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=12)))
    pieces = [whole[a:b] for a, b in zip([0, *cuts], [*cuts, len(whole)], strict=True)]
    expected, _ = answered(provider, family, case.stream, stream=True)
    assert answered(provider, family, pieces, stream=True)[0] == expected


@pytest.mark.parametrize(("provider", "refusal"), REFUSALS, ids=name)
def test_a_refusal_is_a_failure_of_its_kind(provider: Provider, refusal: Refusal) -> None:
    came = incoming("chat", chat_request({}, stream=False))
    fault = provider.adapter().fault(came, refusal.status, refusal.headers, refusal.body)
    assert fault.failure is refusal.failure
    assert fault.retry_after == refusal.retry_after
    assert fault.credential == refusal.credential
    assert fault.body == b"", "its own envelope would mean nothing to the client"


@pytest.mark.parametrize(("provider", "broken"), BROKEN, ids=name)
def test_a_stream_that_breaks_is_a_failure_and_never_ends_well(provider: Provider, broken: Broken) -> None:
    body, decoder = answered(provider, "chat", broken.stream, stream=True)
    assert decoder.fault is not None
    assert decoder.fault.failure is broken.failure
    assert b"[DONE]" not in body


@pytest.mark.parametrize("provider", PROVIDERS, ids=name)
@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"nonsense", b'{"choices":[]}', b"\xff"])
def test_an_answer_that_is_none_is_malformed(provider: Provider, body: bytes) -> None:
    _, decoder = answered(provider, "chat", [body], stream=False)
    assert decoder.fault is not None
    assert decoder.fault.failure is Failure.MALFORMED


@pytest.mark.parametrize("provider", PROVIDERS, ids=name)
def test_a_field_nobody_knows_is_refused_by_name_or_dropped_by_name(provider: Provider) -> None:
    asked: dict[str, Any] = {"frobnicate": 1}
    with pytest.raises(Unsendable) as refused:
        encode(provider, asked)
    assert refused.value.fault.failure is Failure.BAD_REQUEST
    assert refused.value.fault.param == "frobnicate"
    came = incoming("chat", chat_request(asked, stream=False))
    adapter = provider.adapter(drop=True)
    assert b"frobnicate" not in adapter.encode(came).body
    head = adapter.decoder(came, b"application/json").head
    assert head is not None and head[b"x-cloverleaf-dropped"] == b"frobnicate"
