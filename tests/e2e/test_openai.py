"""The official SDK. Rule: against the quickstart, with every answer held to the SDK's own types."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import AsyncOpenAI, OpenAI

from tests.contracts.serving import Running, running

QUICKSTART = Path(__file__).parents[2] / "config" / "quickstart.yaml"
HELLO: list[Any] = [{"role": "user", "content": "Hello there"}]
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture
async def gateway() -> AsyncIterator[Running]:
    async with running(QUICKSTART.read_text()) as made:
        yield made


@pytest.fixture
async def sdk(gateway: Running) -> AsyncIterator[AsyncOpenAI]:
    async with AsyncOpenAI(
        base_url=f"{gateway.url}/v1", api_key="none-needed", max_retries=0, timeout=60, _strict_response_validation=True
    ) as client:
        yield client


async def test_chat(sdk: AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(model="demo", messages=HELLO, max_tokens=8)
    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason in ("stop", "length")
    assert answer.usage is not None and answer.usage.completion_tokens > 0


async def test_chat_streamed(sdk: AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(model="demo", messages=HELLO, max_tokens=8, stream=True)
    chunks = [chunk async for chunk in stream]
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks)
    assert chunks[-1].choices[0].finish_reason
    assert all(chunk.usage is None for chunk in chunks)


async def test_usage_comes_last_in_a_stream_that_asks_for_it(sdk: AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(
        model="demo", messages=HELLO, max_tokens=8, stream=True, stream_options={"include_usage": True}
    )
    last = [chunk async for chunk in stream][-1]
    assert last.choices == [] and last.usage is not None and last.usage.total_tokens > 0


async def test_several_choices_with_log_probabilities(sdk: AsyncOpenAI) -> None:
    answer = await sdk.chat.completions.create(
        model="demo", messages=HELLO, max_tokens=4, n=3, logprobs=True, top_logprobs=2
    )
    assert [choice.index for choice in answer.choices] == [0, 1, 2]
    logprobs = answer.choices[0].logprobs
    assert logprobs is not None and logprobs.content is not None and len(logprobs.content[0].top_logprobs) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_a_forced_tool_is_called(sdk: AsyncOpenAI, stream: bool) -> None:
    choice: Any = {"type": "function", "function": {"name": "weather"}}
    asked: Any = {"model": "demo", "messages": HELLO, "tools": [TOOL], "tool_choice": choice}
    if stream:
        chunks = [chunk async for chunk in await sdk.chat.completions.create(**asked, stream=True)]
        calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    else:
        calls = (await sdk.chat.completions.create(**asked)).choices[0].message.tool_calls or []
    assert calls[0].function.name == "weather"


async def test_completions(sdk: AsyncOpenAI) -> None:
    answer = await sdk.completions.create(model="demo", prompt="Once upon", max_tokens=5, n=2)
    assert len(answer.choices) == 2 and answer.choices[0].text


async def test_embeddings(sdk: AsyncOpenAI) -> None:
    answer = await sdk.embeddings.create(model="demo", input=["one", "two"], encoding_format="float")
    assert len(answer.data) == 2 and len(answer.data[0].embedding) == len(answer.data[1].embedding) > 0


async def test_responses(sdk: AsyncOpenAI) -> None:
    assert (await sdk.responses.create(model="demo", input="Hello", max_output_tokens=20)).output_text


async def test_responses_streamed(sdk: AsyncOpenAI) -> None:
    stream = await sdk.responses.create(model="demo", input="Hello", max_output_tokens=20, stream=True)
    kinds = [event.type async for event in stream]
    assert kinds[0] == "response.created" and kinds[-1] in ("response.completed", "response.incomplete")


async def test_models(sdk: AsyncOpenAI) -> None:
    assert [model.id async for model in sdk.models.list()] == ["demo"]
    assert (await sdk.models.retrieve("demo")).id == "demo"


async def test_raw_headers_reach_the_client(sdk: AsyncOpenAI) -> None:
    raw = await sdk.chat.completions.with_raw_response.create(model="demo", messages=HELLO, max_tokens=2)
    assert raw.headers["x-cloverleaf-deployment"] == "pool"
    assert raw.request_id == raw.headers["x-request-id"]


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ({"model": "unknown", "messages": HELLO}, openai.NotFoundError),
        ({"model": "demo", "messages": HELLO, "temperature": -1}, openai.BadRequestError),
        ({"model": "demo", "messages": HELLO, "max_tokens": 200_000}, openai.BadRequestError),
    ],
)
async def test_a_refused_request_raises_its_own_class(
    sdk: AsyncOpenAI, asked: Any, error: type[openai.APIStatusError]
) -> None:
    with pytest.raises(error) as raised:
        await sdk.chat.completions.create(**asked)
    assert raised.value.message
    assert isinstance(raised.value.body, dict) and raised.value.body["message"]


async def test_a_wrong_key_and_a_forbidden_model_raise_their_own_classes() -> None:
    text = """
auth: {keys: [{name: few, key: sk-few, models: [other]}]}
deployments: {pool: {provider: embedded, model: demo}}
models: {demo: {deployments: [pool]}, other: {deployments: [pool]}}
"""
    async with running(text) as gateway:
        for key, error in (("sk-wrong", openai.AuthenticationError), ("sk-few", openai.PermissionDeniedError)):
            async with AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=key, max_retries=0) as client:
                with pytest.raises(error):
                    await client.chat.completions.create(model="demo", messages=HELLO)


async def test_a_stream_that_breaks_raises_in_the_client(gateway: Running, sdk: AsyncOpenAI) -> None:
    stream = await sdk.chat.completions.create(
        model="demo",
        messages=HELLO,
        stream=True,
        max_tokens=100_000,
        logprobs=True,  # with them it cannot go on elsewhere unbroken
        extra_body={"ignore_eos": True},
    )
    await anext(stream)
    for engines in gateway.app._engines._running.values():
        for engine in engines:
            for connection in list(engine._connections):
                connection.abort()
    with pytest.raises(openai.APIError, match="upstream"):
        async for _ in stream:
            pass


async def test_the_synchronous_client(gateway: Running) -> None:
    def ask() -> tuple[str | None, str]:
        with OpenAI(
            base_url=f"{gateway.url}/v1", api_key="x", max_retries=0, timeout=60, _strict_response_validation=True
        ) as client:
            answer = client.chat.completions.create(model="demo", messages=HELLO, max_tokens=5)
            stream = client.chat.completions.create(model="demo", messages=HELLO, max_tokens=5, stream=True)
            return answer.choices[0].message.content, "".join(c.choices[0].delta.content or "" for c in stream)

    whole, streamed = await asyncio.to_thread(ask)
    assert whole and whole == streamed
