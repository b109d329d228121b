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
    await until(lambda: equals(0, engines), FREED_WITHIN)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_client_that_leaves_during_its_prompt_frees_the_engine(
    async_client: openai.AsyncOpenAI, engines: list[Vllm], stream: bool
) -> None:
    """Before the first token: 4,000 tokens of prompt take the engine many steps."""
    asking = asyncio.create_task(first_words(async_client, long_prompt(4000), stream))
    await leave_once_begun(asking, engines)


async def test_a_client_that_leaves_a_whole_answer_frees_the_engine(
    async_client: openai.AsyncOpenAI, engines: list[Vllm]
) -> None:
    asking = asyncio.create_task(first_words(async_client, "import os", stream=False))
    await leave_once_begun(asking, engines)


async def test_twelve_that_leave_at_once_free_both_engines(
    async_client: openai.AsyncOpenAI, engines: list[Vllm]
) -> None:
    asking = [asyncio.create_task(first_words(async_client, "import os", stream=False)) for _ in range(12)]
    await until(lambda: equals(12, engines), BEGUN_WITHIN)
    for task in asking:
        task.cancel()
    await until(lambda: equals(0, engines), FREED_WITHIN)


async def first_words(client: openai.AsyncOpenAI, prompt: str, stream: Any) -> None:
    """Return when the client has something to read."""
    messages: list[Any] = [{"role": "user", "content": prompt}]
    answer: Any = await client.chat.completions.create(model="chat", messages=messages, stream=stream, **LONG)
    if stream:
        async with answer:
            async for chunk in answer:
                if chunk.choices[0].delta.content:
                    return


async def leave_once_begun(asking: asyncio.Task[None], engines: list[Vllm]) -> None:
    await until(lambda: equals(1, engines), BEGUN_WITHIN)
    assert not asking.done(), "the client has been given nothing yet"
    asking.cancel()
    await until(lambda: equals(0, engines), FREED_WITHIN)


async def equals(held: int, engines: list[Vllm]) -> bool:
    return await busy(engines) == held
