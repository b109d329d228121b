"""The openai SDK through a running gateway to the emulated Bedrock."""

import base64
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import openai
import pytest

from tests.contracts.client import connected, post
from tests.contracts.scripted import upstream
from tests.emulators.aws_signature import Identity
from tests.emulators.bedrock import Bedrock, Refuses, Says
from tests.providers.sdk import HI, TOOLS, Served, served

CLAUDE = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
CALLS = (
    {"text": "Let me look."},
    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Rome"}}},
    {"toolUse": {"toolUseId": "t2", "name": "time", "input": {}}},
)
THINKS = ({"reasoningContent": {"reasoningText": {"text": "hm, so", "signature": "c2ln"}}}, {"text": "It is I."})


@asynccontextmanager
async def gateway(
    *plays: Says | Refuses, model: str = CLAUDE, more: str = "", token: str = "", secret: str = ""
) -> AsyncIterator[tuple[Bedrock, Served]]:
    identity = Identity(token=token)
    bedrock = Bedrock(*plays, identity=identity, api_key="bedrock-key")
    session = f", session_token: {token}" if token else ""
    key = f"aws: {{access_key_id: {identity.access_key}, secret_access_key: {secret or identity.secret_key}{session}}}"
    async with upstream(bedrock) as server:
        text = f"""
deployments:
  d:
    provider: bedrock
    model: "{model}"
    region: us-east-1
    base_url: http://127.0.0.1:{server.port}
    price: {{input: 1, output: 2, cached_input: 0.1, cache_write: 1.25}}
    {more or key}
models: {{m: {{deployments: [d]}}}}
defaults: {{retry: {{attempts: 0}}}}
"""
        async with served(text) as on:
            yield bedrock, on


async def test_whole_and_streamed_are_one_answer() -> None:
    async with gateway(Says(THINKS)) as (bedrock, on):
        whole = await on.chat()
        stream = await on.streamed()
    message = whole.choices[0].message
    assert (message.content, message.reasoning_content) == ("It is I.", "hm, so") == (stream.text, stream.thought)
    assert whole.choices[0].finish_reason == stream.finish == "stop"
    assert whole.usage.total_tokens == 19 and stream.usage == whole.usage
    assert [operation for operation, _, _ in bedrock.asked] == ["converse", "converse-stream"]
    assert bedrock.asked[0][2]["system"] == [{"text": "Be kind"}]


async def test_parallel_tool_calls_and_their_results() -> None:
    async with gateway(Says(CALLS, "tool_use"), Says(CALLS, "tool_use"), Says()) as (bedrock, on):
        whole = await on.chat(tools=TOOLS)
        stream = await on.streamed(tools=TOOLS)
        message = whole.choices[0].message
        results: Any = [{"role": "tool", "tool_call_id": call.id, "content": "ok"} for call in message.tool_calls]
        last = await on.chat(tools=TOOLS, messages=[*HI, message.model_dump(exclude_none=True), *results])
    assert whole.choices[0].finish_reason == stream.finish == "tool_calls"
    made = [[call.function.name, call.function.arguments] for call in message.tool_calls]
    assert made == stream.calls == [["weather", '{"city":"Rome"}'], ["time", "{}"]]
    assert last.choices[0].message.content == "Hello from the cloud."
    assert [b["toolResult"]["toolUseId"] for b in bedrock.asked[2][2]["messages"][2]["content"]] == ["t1", "t2"]


async def test_a_signed_thought_comes_back_on_the_next_turn() -> None:
    async with gateway(Says(THINKS), Says()) as (bedrock, on):
        message = (await on.chat()).choices[0].message.model_dump(exclude_none=True)
        await on.chat(messages=[*HI, message, {"role": "user", "content": "go on"}])
    thought = bedrock.asked[1][2]["messages"][1]["content"][0]
    assert thought == {"reasoningContent": {"reasoningText": {"text": "hm, so", "signature": "c2ln"}}}


async def test_credentials_of_both_kinds() -> None:
    async with gateway(token="session") as (_, on):
        assert (await on.chat()).choices
    async with gateway(more="api_key: bedrock-key") as (_, on):
        assert (await on.chat()).choices
    async with gateway(secret="very-wrong-secret") as (bedrock, on):
        with pytest.raises(openai.InternalServerError) as refused:
            await on.chat()
        assert not bedrock.asked
        assert "very-wrong-secret" not in refused.value.response.text + on.gateway.log.getvalue()


async def test_cached_tokens_have_their_own_price() -> None:
    usage = {
        "inputTokens": 100,
        "outputTokens": 10,
        "totalTokens": 1110,
        "cacheReadInputTokens": 600,
        "cacheWriteInputTokens": 400,
    }
    async with gateway(Says(usage=usage)) as (_, on):
        raw = await on.client.chat.completions.with_raw_response.create(model="m", messages=HI)
    assert float(raw.headers["x-cloverleaf-cost-usd"]) == pytest.approx((100 + 60 + 500 + 20) / 1e6)
    counted = raw.parse().usage
    assert counted is not None and counted.prompt_tokens_details is not None
    assert (counted.prompt_tokens, counted.prompt_tokens_details.cached_tokens) == (1100, 600)


@pytest.mark.parametrize(
    ("play", "raised", "said"),
    [
        (Refuses("ThrottlingException", "Too many tokens"), openai.RateLimitError, "Too many tokens"),
        (Refuses("ServiceUnavailableException"), openai.InternalServerError, "scripted"),
        (Refuses("ValidationException", "Input is too long for requested model."), openai.BadRequestError, "too long"),
        (Refuses("ValidationException", "maxTokens is wrong"), openai.BadRequestError, "maxTokens is wrong"),
        (Says(ending="throttlingException"), openai.RateLimitError, "scripted"),
        (Says(stop="malformed_tool_use"), openai.InternalServerError, "unusable"),
    ],
)
async def test_refusals_in_the_client_s_own_envelope(
    play: Says | Refuses, raised: type[openai.APIStatusError], said: str
) -> None:
    early = msgspec.structs.replace(play, blocks=()) if isinstance(play, Says) else play
    async with gateway(early) as (_, on):
        with pytest.raises(raised, match=said) as caught:
            await on.chat(stream=isinstance(play, Says) and play.ending != "whole")
    assert caught.value.type


@pytest.mark.parametrize("ending", ["modelStreamErrorException", "cut", "short", "spoiled"])
async def test_a_stream_that_breaks_says_so(ending: str) -> None:
    async with gateway(Says(ending=ending)) as (_, on):
        with pytest.raises(openai.APIError):
            await on.streamed()


async def test_a_filtered_answer_is_an_answer() -> None:
    async with gateway(Says(({"text": "Sorry, not that."},), "guardrail_intervened")) as (_, on):
        assert (await on.chat()).choices[0].finish_reason == "content_filter"
        assert (await on.streamed()).finish == "content_filter"


async def test_a_field_without_a_place_is_refused_or_dropped_and_named() -> None:
    async with gateway() as (_, on):
        with pytest.raises(openai.BadRequestError, match="'seed'") as refused:
            await on.chat(seed=1)
    assert refused.value.param == "seed"
    identity = Identity()
    aws = f"{{access_key_id: {identity.access_key}, secret_access_key: {identity.secret_key}}}"
    async with gateway(more=f"aws: {aws}\n    unsupported: drop") as (bedrock, on):
        raw = await on.client.chat.completions.with_raw_response.create(model="m", messages=HI, seed=1, n=2)
        assert raw.headers["x-cloverleaf-dropped"] == "seed, n"
    assert len(bedrock.asked) == 1


@pytest.mark.parametrize("model", ["amazon.titan-embed-text-v2:0", "cohere.embed-english-v3"])
async def test_embeddings(model: str) -> None:
    async with gateway(model=model) as (bedrock, on), connected(on.gateway.port) as client:
        floats = await on.client.embeddings.create(model="m", input="abc", encoding_format="float")
        body = b'{"model":"m","input":"abc","encoding_format":"base64"}'
        packed = (await client.ask(post("/v1/embeddings", body))).json
    assert floats.data[0].embedding == [3.0, 0.5, 0.5, 0.5]
    assert struct.unpack("<4f", base64.b64decode(packed["data"][0]["embedding"])) == (3.0, 0.5, 0.5, 0.5)
    assert [operation for operation, _, _ in bedrock.asked] == ["invoke", "invoke"]


async def test_an_image_reaches_it() -> None:
    picture = base64.b64encode(b"\x89PNG").decode()
    part = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{picture}"}}
    async with gateway() as (bedrock, on):
        await on.chat(messages=[{"role": "user", "content": [{"type": "text", "text": "see"}, part]}])
    assert bedrock.asked[0][2]["messages"][0]["content"][1]["image"]["source"] == {"bytes": picture}
