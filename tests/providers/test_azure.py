"""The openai SDK through a running gateway to the emulated Azure OpenAI: keys and Entra tokens, both kinds of URL."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest

from tests.contracts.client import chat, connected, post
from tests.contracts.scripted import upstream
from tests.contracts.serving import until
from tests.emulators.azure import API_VERSION, FILTERED, THROTTLED, Azure, Refuses, Says
from tests.emulators.entra import Entra
from tests.providers.sdk import Served, served

V1 = ""
DATED = f"api_version: {API_VERSION}"


@asynccontextmanager
async def gateway(
    *plays: Says | Refuses, more: str = V1, credential: str = "api_key: azure-key", token: str = ""
) -> AsyncIterator[tuple[Azure, Served]]:
    azure = Azure(*plays, token=token)
    async with upstream(azure) as server:
        text = f"""
deployments:
  d:
    provider: azure
    model: dep
    base_url: http://127.0.0.1:{server.port}
    {credential}
    {more}
models: {{m: {{deployments: [d]}}}}
defaults: {{retry: {{attempts: 0}}}}
"""
        async with served(text) as on:
            yield azure, on


@pytest.mark.parametrize("more", [V1, DATED])
async def test_whole_and_streamed_at_both_kinds_of_url(more: str) -> None:
    async with gateway(more=more) as (azure, on):
        whole = await on.chat()
        stream = await on.streamed()
        vectors = await on.client.embeddings.create(model="m", input="x", encoding_format="float")
    assert whole.choices[0].message.content == stream.text.strip() == "Hello from Azure."
    assert whole.usage.total_tokens == stream.usage.total_tokens == 13
    assert vectors.data[0].embedding == [1.0, 2.0]
    paths = [target for target, _ in azure.asked]
    if more:
        assert paths[0] == f"/openai/deployments/dep/chat/completions?api-version={API_VERSION}"
        assert paths[2] == f"/openai/deployments/dep/embeddings?api-version={API_VERSION}"
    else:
        assert paths == ["/openai/v1/chat/completions"] * 2 + ["/openai/v1/embeddings"]
    assert azure.asked[0][1]["model"] == "dep"


async def test_every_chunk_has_a_choice_or_usage() -> None:
    async with gateway() as (_, on):
        chunks = [chunk async for chunk in await on.chat(stream=True)]
    assert all(chunk.choices for chunk in chunks)
    assert chunks[0].choices[0].delta.role == "assistant"


async def test_the_messages_door_in_front_of_it() -> None:
    async with gateway(more=DATED) as (azure, on), connected(on.gateway.port) as client:
        body = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
        reply = await client.ask(post("/v1/messages", body))
    assert reply.status == 200, reply.body
    assert reply.json["content"] == [{"type": "text", "text": "Hello from Azure."}]
    assert azure.asked[0][0].startswith("/openai/deployments/dep/chat/completions")


@pytest.mark.parametrize(
    ("more", "limit"),
    [(V1, "max_completion_tokens"), (DATED, "max_completion_tokens"), ("api_version: 2024-06-01", "max_tokens")],
)
async def test_the_most_tokens_are_named_as_the_version_knows_them(more: str, limit: str) -> None:
    async with gateway(more=more) as (azure, on), connected(on.gateway.port) as client:
        azure.api_version = "2024-06-01" if "06" in more else API_VERSION
        body = b'{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"hi"}]}'
        assert (await client.ask(post("/v1/messages", body))).status == 200
    assert {key: value for key, value in azure.asked[0][1].items() if key.startswith("max_")} == {limit: 9}


async def test_an_entra_token_is_fetched_before_it_is_needed() -> None:
    async with upstream(entra := Entra()) as issuer:
        authority = f"http://127.0.0.1:{issuer.port}"
        credential = f"entra: {{tenant: t-1, client_id: c-1, client_secret: s-1, authority: '{authority}'}}"
        async with gateway(credential=credential, token="entra-1") as (_, on):
            assert (await on.chat()).choices
    assert entra.scopes == ["https://cognitiveservices.azure.com/.default"]


async def test_without_a_token_it_is_our_fault_and_no_secret_shows() -> None:
    async with upstream(Entra()) as issuer:
        authority = f"http://127.0.0.1:{issuer.port}"
        credential = f"entra: {{tenant: t-1, client_id: c-1, client_secret: wrong-secret, authority: '{authority}'}}"
        async with gateway(credential=credential, token="entra-1") as (azure, on):
            with pytest.raises(openai.InternalServerError) as refused:
                await on.chat()
            on.gateway.app.log.flush()
            assert "AADSTS7000215" in on.gateway.log.getvalue()
            assert "wrong-secret" not in refused.value.response.text + on.gateway.log.getvalue()
            assert not azure.asked


async def test_filters_and_refusals() -> None:
    plays = (FILTERED, Refuses(404, "DeploymentNotFound"), Refuses(503, "InternalServerError"), Says(ending="filtered"))
    async with gateway(*plays) as (_, on):
        with pytest.raises(openai.BadRequestError) as filtered:
            await on.chat()
        with pytest.raises(openai.NotFoundError):
            await on.chat()
        with pytest.raises(openai.InternalServerError):
            await on.chat()
        assert (await on.streamed()).finish == "content_filter"
    assert filtered.value.code == "content_filter"


async def test_a_throttle_cools_the_deployment_for_as_long_as_it_says() -> None:
    async with gateway(THROTTLED, Says()) as (azure, on):
        with pytest.raises(openai.RateLimitError) as throttled:
            await on.chat()
        (candidate,) = on.gateway.gateway.live.endpoints.by_deployment["d"]
        assert candidate.domain.requests_left == 0
        assert len(azure.asked) == 1
    assert 5 <= float(throttled.value.response.headers["retry-after"]) <= 6


async def test_what_is_left_of_a_quota_is_known() -> None:
    async with gateway() as (_, on):
        await on.chat()
        (candidate,) = on.gateway.gateway.live.endpoints.by_deployment["d"]
        assert (candidate.domain.requests_left, candidate.domain.tokens_left) == (99, 9900)


async def test_a_cut_stream_is_no_clean_end() -> None:
    async with gateway(Says(ending="cut")) as (_, on), connected(on.gateway.port) as client:
        reply = await client.ask(chat(stream=True))
        await until(lambda: not on.gateway.gateway.journeys)
    assert b'"error"' in reply.body and b"[DONE]" not in reply.body
