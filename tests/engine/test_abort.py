"""A client that leaves. Rule: whatever it was waiting for, the engines are idle again within a second."""

import asyncio
from typing import Any

import openai
import pytest

from tests.engine.metrics import busy, until
from tests.engine.prompts import long_prompt
from tests.engine.vllm import Vllm

FREED_WITHIN = 1.0  # seconds
CROWD_FREED_WITHIN = 5.0  # an engine on crowded cores takes a second or two, with or without a gateway before it
BEGUN_WITHIN = 60.0
MANY = 8000  # tokens: a minute's work, had nobody left; crowded cores may begin to look late


async def test_a_client_that_leaves_a_stream_frees_the_engine(
    async_client: openai.AsyncOpenAI, engines: list[Vllm]
) -> None:
    async with await ask(async_client, "import os", MANY, stream=True) as stream:
        await first_words(stream)
        await until(lambda: hold(1, engines), BEGUN_WITHIN)
    await until(lambda: hold(0, engines), FREED_WITHIN)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
async def test_a_client_that_leaves_during_its_prompt_frees_the_engine(
    async_client: openai.AsyncOpenAI, engines: list[Vllm], stream: bool
) -> None:
    """Before the first token: 8,000 tokens of prompt take the engine many steps."""
    prompt = long_prompt(8000)

    async def wait() -> None:
        answer = await ask(async_client, prompt, 500, stream=stream)
        if stream:
            async with answer:
                await first_words(answer)

    await leave_once_begun([asyncio.create_task(wait())], engines)


async def test_a_client_that_leaves_a_whole_answer_frees_the_engine(
    async_client: openai.AsyncOpenAI, engines: list[Vllm]
) -> None:
    await leave_once_begun([asyncio.create_task(ask(async_client, "import os", MANY, stream=False))], engines)


async def test_a_crowd_that_leaves_at_once_frees_both_engines(
    async_client: openai.AsyncOpenAI, engines: list[Vllm]
) -> None:
    asking = [asyncio.create_task(ask(async_client, "import os", MANY, stream=False)) for _ in range(12)]
    await leave_once_begun(asking, engines, CROWD_FREED_WITHIN)


async def leave_once_begun(
    asking: list[asyncio.Task[Any]], engines: list[Vllm], freed_within: float = FREED_WITHIN
) -> None:
    await until(lambda: hold(len(asking), engines), BEGUN_WITHIN)
    assert not any(task.done() for task in asking), "no client has been given anything yet"
    for task in asking:
        task.cancel()
    await until(lambda: hold(0, engines), freed_within)


async def hold(requests: int, engines: list[Vllm]) -> bool:
    return await busy(engines) == requests


async def ask(client: openai.AsyncOpenAI, prompt: str, tokens: int, *, stream: bool) -> Any:
    messages: Any = [{"role": "user", "content": prompt}]
    fields: Any = {"model": "chat", "messages": messages, "max_tokens": tokens, "stream": stream}
    return await client.chat.completions.create(**fields, extra_body={"ignore_eos": True})


async def first_words(stream: Any) -> None:
    async for chunk in stream:
        if chunk.choices[0].delta.content:
            return
