"""The emulated Azure OpenAI, proved with the openai SDK's AzureOpenAI."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import openai
import pytest

from tests.contracts.scripted import upstream
from tests.emulators.azure import API_VERSION, FILTERED, THROTTLED, Azure, Refuses, Says

ASK = [{"role": "user", "content": "hi"}]


@asynccontextmanager
async def sdk(azure: Azure, key: str = "azure-key", **more: str) -> AsyncIterator[openai.AsyncAzureOpenAI]:
    async with upstream(azure) as server:
        client = openai.AsyncAzureOpenAI(
            azure_endpoint=f"http://127.0.0.1:{server.port}",
            api_key=None if more else key,
            api_version=API_VERSION,
            max_retries=0,
            **more,
        )
        async with client:
            yield client


async def test_a_deployment_answers_whole_and_streamed() -> None:
    azure = Azure()
    async with sdk(azure) as client:
        reply = await client.chat.completions.create(model="dep", messages=ASK)
        stream = await client.chat.completions.create(model="dep", messages=ASK, stream=True)
        chunks = [chunk async for chunk in stream]
    assert reply.choices[0].message.content == "Hello from Azure."
    assert azure.asked[0][0] == f"/openai/deployments/dep/chat/completions?api-version={API_VERSION}"
    assert chunks[0].choices == [] and chunks[0].model_extra and "prompt_filter_results" in chunks[0].model_extra
    assert "".join(c.choices[0].delta.content or "" for c in chunks if c.choices).strip() == "Hello from Azure."


async def test_the_v1_url_takes_a_plain_client() -> None:
    async with upstream(azure := Azure(token="entra-1")) as server:
        url = f"http://127.0.0.1:{server.port}/openai/v1"
        async with openai.AsyncOpenAI(base_url=url, api_key="entra-1", max_retries=0) as client:
            reply = await client.chat.completions.create(model="dep", messages=ASK)
            vectors = await client.embeddings.create(model="dep", input="x")
    assert reply.usage is not None and reply.usage.total_tokens == 13
    assert vectors.data[0].embedding == [1.0, 2.0]
    assert azure.asked[0][0] == "/openai/v1/chat/completions"


async def test_an_entra_token_does_as_well() -> None:
    async with sdk(Azure(token="entra-1"), azure_ad_token="entra-1") as client:
        assert (await client.chat.completions.create(model="dep", messages=ASK)).choices


async def test_a_wrong_key_and_a_wrong_deployment() -> None:
    async with sdk(Azure(), key="x") as client:
        with pytest.raises(openai.AuthenticationError, match="invalid subscription key"):
            await client.chat.completions.create(model="dep", messages=ASK)
    async with sdk(Azure()) as client:
        with pytest.raises(openai.NotFoundError, match="does not exist"):
            await client.chat.completions.create(model="other", messages=ASK)


async def test_filters_and_throttles_are_the_errors_they_are() -> None:
    async with sdk(Azure(FILTERED, THROTTLED, Refuses(503, "InternalServerError"), Says(ending="filtered"))) as client:
        with pytest.raises(openai.BadRequestError) as filtered:
            await client.chat.completions.create(model="dep", messages=ASK)
        with pytest.raises(openai.RateLimitError) as throttled:
            await client.chat.completions.create(model="dep", messages=ASK)
        with pytest.raises(openai.InternalServerError):
            await client.chat.completions.create(model="dep", messages=ASK)
        stream = await client.chat.completions.create(model="dep", messages=ASK, stream=True)
        last = [chunk async for chunk in stream][-1]
    assert filtered.value.code == "content_filter"
    assert throttled.value.response.headers["retry-after-ms"] == "5800"
    assert last.choices[0].finish_reason == "content_filter"
