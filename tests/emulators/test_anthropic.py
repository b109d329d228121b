"""The emulated Anthropic, proved with the anthropic SDK."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import pytest

from tests.contracts.scripted import upstream
from tests.emulators.anthropic import CACHED, OVERLOADED, REFUSED, THINKS, THROTTLED, TOOLS, Anthropic, Says

ASK: dict[str, Any] = {
    "model": "claude-opus-4-6",
    "max_tokens": 4000,
    "messages": [{"role": "user", "content": "hi"}],
}


@asynccontextmanager
async def sdk(emulated: Anthropic, key: str = "sk-ant-emulated") -> AsyncIterator[anthropic.AsyncAnthropic]:
    async with upstream(emulated) as server:
        root = server.url.removesuffix("/v1")
        async with anthropic.AsyncAnthropic(base_url=root, api_key=key, max_retries=0) as client:
            yield client


@pytest.mark.parametrize("play", [Says(), TOOLS, THINKS, CACHED, REFUSED])
async def test_streamed_and_put_together_is_what_is_answered_whole(play: Says) -> None:
    async with sdk(Anthropic(play)) as client:
        whole = await client.messages.create(**ASK)
        async with client.messages.stream(**ASK) as stream:
            streamed = await stream.get_final_message()
    first, second = whole.to_dict(), streamed.to_dict()
    assert [block.type for block in whole.content] == [block["type"] for block in play.blocks]
    assert first["content"] == second["content"]
    assert first["stop_reason"] == second["stop_reason"] == play.stop_reason
    assert first["usage"] == second["usage"]


async def test_tokens_are_counted() -> None:
    async with sdk(Anthropic()) as client:
        count = await client.messages.count_tokens(model="claude-opus-4-6", messages=ASK["messages"])
    assert count.input_tokens == 14


@pytest.mark.parametrize(
    ("play", "error", "status"),
    [(THROTTLED, anthropic.RateLimitError, 429), (OVERLOADED, anthropic.APIStatusError, 529)],
)
async def test_refusals_are_the_sdks_errors(play: Any, error: type[anthropic.APIStatusError], status: int) -> None:
    async with sdk(Anthropic(play)) as client:
        with pytest.raises(error) as caught:
            await client.messages.create(**ASK)
    assert caught.value.status_code == status
    assert caught.value.body["error"]["type"] == play.type


async def test_an_error_in_the_stream_is_the_sdks_error() -> None:
    async with sdk(Anthropic(Says(ending="overloaded_error"))) as client:
        with pytest.raises(anthropic.APIStatusError):
            async with client.messages.stream(**ASK) as stream:
                await stream.get_final_message()


async def test_a_wrong_key_is_refused() -> None:
    async with sdk(Anthropic(), key="sk-wrong") as client:
        with pytest.raises(anthropic.AuthenticationError):
            await client.messages.create(**ASK)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ({"extra_body": {"temperature": 1.5}, "extra_headers": {"anthropic-version": "2023-06-01"}}, "range"),
        ({"extra_body": {"temperature": 1}}, "temperature: Extra inputs"),
        ({"extra_body": {"seed": 1}}, "Extra inputs"),
        ({"messages": [{"role": "user", "content": [{"type": "text", "text": ""}]}]}, "non-empty"),
        (
            {"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "x", "content": "1"}]}]},
            "unexpected `tool_use_id`",
        ),
        ({"extra_body": {"thinking": {"type": "enabled", "budget_tokens": 4000}}}, "budget_tokens"),
    ],
)
async def test_what_the_api_refuses_is_refused(wrong: dict[str, Any], said: str) -> None:
    async with sdk(Anthropic()) as client:
        with pytest.raises(anthropic.BadRequestError, match=said):
            await client.messages.create(**{**ASK, **wrong})
