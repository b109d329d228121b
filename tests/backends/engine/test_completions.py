"""Completions through the official client."""

from typing import Any

import httpx
import pytest

from .conftest import Connect, Serve


async def test_a_prompt_is_completed(serve: Serve, sdk: Connect) -> None:
    answer = await sdk(await serve()).completions.create(model="demo", prompt="once upon", max_tokens=5)
    assert len(answer.choices[0].text.split()) == 5
    assert answer.choices[0].finish_reason == "length"


async def test_a_stream_says_what_the_whole_says(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve(), strict=False)
    asked: Any = {"model": "demo", "prompt": ["one", "two"], "max_tokens": 6, "n": 2, "echo": True, "logprobs": 2}
    whole = await client.completions.create(**asked)
    texts = [""] * 4
    reasons: list[str | None] = [None] * 4
    offsets: list[list[int]] = [[] for _ in range(4)]
    async for chunk in await client.completions.create(**asked, stream=True, stream_options={"include_usage": True}):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
            reasons[choice.index] = choice.finish_reason or reasons[choice.index]
            assert choice.logprobs is not None
            offsets[choice.index] += choice.logprobs.text_offset or []
        usage = chunk.usage
    assert texts == [choice.text for choice in whole.choices]
    assert reasons == ["length"] * 4
    assert [choice.logprobs and choice.logprobs.text_offset for choice in whole.choices] == offsets
    assert [text[:3] for text in texts] == ["one", "one", "two", "two"]
    assert usage is not None
    assert whole.usage is not None
    assert usage.completion_tokens == whole.usage.completion_tokens == 24
    assert usage.prompt_tokens == whole.usage.prompt_tokens == 2


async def test_a_natural_end_says_stop_in_both_forms(serve: Serve, sdk: Connect) -> None:
    client = sdk(await serve(), strict=False)
    whole = await client.completions.create(model="demo", prompt="p", max_tokens=500)
    last = None
    async for chunk in await client.completions.create(model="demo", prompt="p", max_tokens=500, stream=True):
        last = chunk.choices[0]
    assert last is not None
    assert (last.text, last.finish_reason) == ("", "stop")
    assert whole.choices[0].finish_reason == "stop"


async def test_token_ids_are_prompts_too(serve: Serve, sdk: Connect, http: httpx.AsyncClient) -> None:
    url = await serve()
    tokens = (await http.post(f"{url}/tokenize", json={"prompt": "once upon a time"})).json()["tokens"]
    client = sdk(url)
    as_text = await client.completions.create(model="demo", prompt="once upon a time")
    as_tokens = await client.completions.create(model="demo", prompt=tokens)
    as_list = await client.completions.create(model="demo", prompt=[tokens, tokens])
    assert as_text.choices[0].text == as_tokens.choices[0].text == as_list.choices[1].text


async def test_echo_without_tokens_returns_the_prompt(serve: Serve, sdk: Connect) -> None:
    answer = await sdk(await serve()).completions.create(model="demo", prompt="just this", max_tokens=0, echo=True)
    assert answer.choices[0].text == "just this"
    assert answer.usage is not None
    assert answer.usage.completion_tokens == 0


async def test_an_empty_prompt_is_one_token(serve: Serve, sdk: Connect) -> None:
    answer = await sdk(await serve()).completions.create(model="demo", prompt="", max_tokens=2)
    assert answer.usage is not None
    assert answer.usage.prompt_tokens == 1


@pytest.mark.parametrize("prompt", [[], ["a", 1], 5, None])
async def test_what_is_no_prompt_is_refused(serve: Serve, http: httpx.AsyncClient, prompt: Any) -> None:
    reply = await http.post(f"{await serve()}/v1/completions", json={"prompt": prompt})
    assert reply.status_code == 400
    assert reply.json()["error"]["type"] == "BadRequestError"
