"""Claude on Vertex AI and on Bedrock, emulated, proved with the anthropic SDK's clients for these clouds."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest

from tests.contracts.scripted import upstream
from tests.emulators.anthropic import OVERLOADED, THINKS, TOOLS, Says
from tests.emulators.aws_signature import Identity
from tests.emulators.bedrock import Bedrock
from tests.emulators.google import Google, emulated

ASK: dict[str, Any] = {"max_tokens": 4000, "messages": [{"role": "user", "content": "hi"}]}
ON_VERTEX, ON_BEDROCK = "claude-sonnet-4-5@20250929", "us.anthropic.claude-sonnet-4-5-20250929-v1:0"


@asynccontextmanager
async def vertex(token: str = "") -> AsyncIterator[tuple[Google, anthropic.AsyncAnthropicVertex]]:
    async with emulated() as (google, server):
        good = google.tokens.issue()
        client = anthropic.AsyncAnthropicVertex(
            base_url=f"http://127.0.0.1:{server.port}/v1",
            project_id="proj",
            region="us-central1",
            access_token=token or good,
            max_retries=0,
        )
        async with client:
            yield google, client


@asynccontextmanager
async def bedrock(*plays: Any, secret: str = "") -> AsyncIterator[tuple[Bedrock, anthropic.AsyncAnthropicBedrock]]:
    aws, key = Bedrock(), Identity()
    aws.claude.plays = plays or aws.claude.plays
    async with upstream(aws) as server:
        client = anthropic.AsyncAnthropicBedrock(
            base_url=f"http://127.0.0.1:{server.port}",
            aws_access_key=key.access_key,
            aws_secret_key=secret or key.secret_key,
            aws_region="us-east-1",
            max_retries=0,
        )
        async with client:
            yield aws, client


async def both_ways(client: Any, model: str) -> tuple[Any, Any]:
    """What is answered whole, and what is streamed and put together."""
    whole = await client.messages.create(model=model, **ASK)
    async with client.messages.stream(model=model, **ASK) as stream:
        return whole.to_dict(), (await stream.get_final_message()).to_dict()


@pytest.mark.parametrize("play", [Says(), TOOLS, THINKS])
async def test_on_vertex_streamed_and_put_together_is_the_whole_answer(play: Says) -> None:
    async with vertex() as (google, client):
        google.claude.plays = (play,)
        whole, streamed = await both_ways(client, ON_VERTEX)
    assert whole["content"] == streamed["content"]
    assert [block["type"] for block in whole["content"]] == [block["type"] for block in play.blocks]
    assert all("model" not in body for body in google.claude.asked)


@pytest.mark.parametrize("play", [Says(), TOOLS, THINKS])
async def test_on_bedrock_streamed_and_put_together_is_the_whole_answer(play: Says) -> None:
    async with bedrock(play) as (_, client):
        whole, streamed = await both_ways(client, ON_BEDROCK)
    assert whole["content"] == streamed["content"]
    assert [block["type"] for block in whole["content"]] == [block["type"] for block in play.blocks]


async def test_on_vertex_tokens_are_counted() -> None:
    async with vertex() as (_, client):
        count = await client.messages.count_tokens(model=ON_VERTEX, messages=ASK["messages"])
    assert count.input_tokens == 14


async def test_who_may_not_ask() -> None:
    async with vertex("wrong") as (_, client):
        with pytest.raises(anthropic.AuthenticationError):
            await client.messages.create(model=ON_VERTEX, **ASK)
    async with bedrock(secret="another") as (_, client):
        with pytest.raises(anthropic.PermissionDeniedError):
            await client.messages.create(model=ON_BEDROCK, **ASK)


async def test_what_is_wrong_is_refused() -> None:
    async with vertex() as (google, client):
        with pytest.raises(anthropic.BadRequestError, match="Extra inputs"):
            await client.messages.create(model=ON_VERTEX, **ASK, extra_body={"seed": 1})
        google.claude.plays = (OVERLOADED,)
        with pytest.raises(anthropic.APIStatusError) as caught:
            await client.messages.create(model=ON_VERTEX, **ASK)
        assert caught.value.status_code == 529
    async with bedrock() as (_, client):
        with pytest.raises(anthropic.BadRequestError, match="Extra inputs"):
            await client.messages.create(model=ON_BEDROCK, **ASK, extra_body={"seed": 1})
