"""A request with images never reaches a model that cannot see: by any door, under any policy, in a fallback too."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import openai
import pytest

from tests.contracts.scripted import ANSWER, Upstream, error, upstream, whole
from tests.providers.sdk import HI, Served, served
from tests.providers.test_every_client import CHAT, MESSAGES, RESPONSES

CONFIG = """
deployments:
  blind: {{provider: {provider}, model: b, {place}, lacks: [images]}}
  seeing: {{provider: openai_compatible, model: s, base_url: "{seeing}"}}
models:
  m: {{deployments: {deployments}, policy: {policy}}}
  only: {{deployments: [blind]}}
  first: {{deployments: [seeing], fallbacks: [only]}}
policies:
  mine: {{filters: [{{kind: healthy}}], scorers: [{{kind: least_busy}}], pick: {{kind: best}}}}
defaults: {{retry: {{attempts: 0}}}}
"""


@asynccontextmanager
async def world(
    policy: str = "order",
    deployments: str = "[blind, seeing]",
    provider: str = "openai_compatible",
    *,
    down: bool = False,
) -> AsyncIterator[tuple[Upstream, Upstream, Served]]:
    """The upstream of the blind model, that of the seeing one, and the SDK before the gateway that has both."""
    async with upstream(whole(ANSWER)) as blind, upstream(error(503) if down else whole(ANSWER)) as seeing:
        root = blind.url.removesuffix("/v1")
        place = f'endpoints: ["{root}"]' if provider == "vllm" else f'base_url: "{blind.url}"'
        text = CONFIG.format(policy=policy, deployments=deployments, provider=provider, place=place, seeing=seeing.url)
        async with served(text) as on:
            yield blind, seeing, on


def asked(server: Upstream) -> int:
    return sum(call.target.startswith("/v1/") for call in server.calls)


async def chat(on: Served, model: str = "m") -> Any:
    return await on.client.chat.completions.with_raw_response.create(model=model, **CHAT["image"])


@pytest.mark.parametrize("provider", ["openai_compatible", "vllm"])
async def test_every_door_sends_images_where_they_are_seen(provider: str) -> None:
    async with (
        world(provider=provider) as (blind, seeing, on),
        anthropic.AsyncAnthropic(base_url=on.gateway.url, api_key="x", max_retries=0) as claude,
        openai.AsyncOpenAI(base_url=f"{on.gateway.url}/v1", api_key="x", max_retries=0) as client,
    ):
        await chat(on)
        await claude.messages.create(model="m", max_tokens=9, **MESSAGES["image"])
        await client.responses.create(model="m", **RESPONSES["image"])
        assert (asked(blind), asked(seeing)) == (0, 3)
        await on.client.chat.completions.with_raw_response.create(model="m", messages=HI)
        assert (asked(blind), asked(seeing)) == (1, 3), "what is text may go to either"


@pytest.mark.parametrize("policy", ["round_robin", "power_of_two", "lowest_cost", "session", "mine"])
async def test_under_any_policy(policy: str) -> None:
    async with world(policy, "[[blind, seeing]]") as (blind, seeing, on):
        for _ in range(6):
            await chat(on)
    assert (asked(blind), asked(seeing)) == (0, 6)


async def test_where_nobody_sees_it_is_said() -> None:
    async with world() as (blind, _, on):
        with pytest.raises(openai.BadRequestError, match="images"):
            await chat(on, "only")
    assert asked(blind) == 0


async def test_not_even_when_the_one_that_sees_is_down() -> None:
    async with world(down=True) as (blind, seeing, on):
        for model in ("m", "first"):
            with pytest.raises(openai.InternalServerError):
                await chat(on, model)
        assert asked(blind) == 0
        assert asked(seeing) > 0
