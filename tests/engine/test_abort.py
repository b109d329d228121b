"""A client that leaves. Rule: whatever it was waiting for, the engines are idle again within a second."""

import asyncio
from typing import Any

import openai
import pytest

from tests.engine.metrics import busy, until
from tests.engine.prompts import HELLO, long_prompt
from tests.engine.vllm import Vllm

FREED_WITHIN = 1.0  # seconds
BEGUN_WITHIN = 60.0
LONG = {"max_tokens": 4000, "extra_body": {"ignore_eos": True}}  # half a minute's work, had nobody left


async def test_a_client_that_leaves_a_stream_frees_the_engine(
    async_client: openai.AsyncOpenAI, engines: list[Vllm]
) -> None:
    stream = await async_client.chat.completions.create(model="chat", messages=HELLO, stream=True, **LONG)
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            break
    assert await busy(engines) == 1
    await stream.close()
    await until(idle(engines), FREED_WITHIN)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_client_that_leaves_during_its_prompt_frees_the_engine(
    async_client: openai.AsyncOpenAI, engines: list[Vllm], stream: Any
) -> None:
    """Before the first token: 4,000 tokens take the engine many steps."""
    messages: list[Any] = [{"role": "user", "content": long_prompt(4000)}]
    asking = asyncio.create_task(
        async_client.chat.completions.create(model="chat", messages=messages, stream=stream, **LONG)
    )
    await leave_once_begun(asking, engines)


async def test_a_client_that_leaves_a_whole_answer_frees_the_engine(
    async_client: openai.AsyncOpenAI, engines: list[Vllm]
) -> None:
    asking = asyncio.create_task(async_client.chat.completions.create(model="chat", messages=HELLO, **LONG))
    await leave_once_begun(asking, engines)


async def test_twelve_that_leave_at_once_free_both_engines(
    async_client: openai.AsyncOpenAI, engines: list[Vllm]
) -> None:
    asking = [
        asyncio.create_task(async_client.chat.completions.create(model="chat", messages=HELLO, **LONG))
        for _ in range(12)
    ]
    await until(lambda: equals(12, engines), BEGUN_WITHIN)
    for task in asking:
        task.cancel()
    await until(idle(engines), FREED_WITHIN)


async def leave_once_begun(asking: asyncio.Task[Any], engines: list[Vllm]) -> None:
    await until(lambda: equals(1, engines), BEGUN_WITHIN)
    assert not asking.done(), "it has not been answered yet"
    asking.cancel()
    await until(idle(engines), FREED_WITHIN)


def idle(engines: list[Vllm]) -> Any:
    return lambda: equals(0, engines)


async def equals(held: int, engines: list[Vllm]) -> bool:
    return await busy(engines) == held
