"""The real SDKs, through a running gateway, to a provider that speaks another dialect."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import anthropic
import msgspec
import openai
import pytest

from backends.engine.server import Engine, EngineOptions
from tests.contracts.scripted import ANSWER, Script, Upstream, stream, upstream, whole
from tests.contracts.serving import Running, running
from tests.contracts_providers.requests import SCHEMA, WEATHER
from tests.emulators.anthropic import OVERLOADED, TEXT, THINKS, THROTTLED, TOO_LONG, TOOLS, Anthropic, Says

ASK: Any = [{"role": "user", "content": "hi"}]
KEY = "sk-ant-emulated"


@asynccontextmanager
async def claude(*plays: Any, more: str = "", door: str = "hot") -> AsyncIterator[tuple[Running, Anthropic]]:
    """A gateway before an emulated Anthropic, whose model is called ``m``."""
    emulated = Anthropic(*plays)
    async with upstream(emulated) as up:
        text = f"""
deployments:
  claude: {{provider: anthropic, model: claude-opus-4-6, base_url: "{up.url}", api_key: {KEY}, {more}}}
models: {{m: {{deployments: [claude]}}}}
"""
        async with running(text, door) as gateway:
            yield gateway, emulated


@asynccontextmanager
async def translated(*scripts: Script, more: str = "") -> AsyncIterator[tuple[Running, Upstream]]:
    """A gateway before a server that knows chat completions alone."""
    async with upstream(*scripts) as up:
        text = f"""
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{up.url}", {more}}}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text) as gateway:
            yield gateway, up


def chat(gateway: Running) -> openai.AsyncOpenAI:
    return openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key="any", max_retries=0)


def messages(gateway: Running) -> anthropic.AsyncAnthropic:
    return anthropic.AsyncAnthropic(base_url=gateway.url, api_key="any", max_retries=0)


@pytest.mark.parametrize("door", ["hot", "litestar"])
@pytest.mark.parametrize("play", [TEXT, TOOLS, THINKS])
async def test_the_openai_sdk_is_answered_by_claude(play: Says, door: str) -> None:
    async with claude(play, door=door) as (gateway, emulated), chat(gateway) as client:
        asked: dict[str, Any] = {"model": "m", "messages": ASK, "tools": [WEATHER]}
        reply = await client.chat.completions.create(**asked)
        async with client.chat.completions.stream(**asked) as streamed:
            final = await streamed.get_final_completion()
    first, second = reply.choices[0], final.choices[0]
    assert first.finish_reason == second.finish_reason
    assert (first.message.content or None) == (second.message.content or None)
    calls = [(call.id, call.function) for call in first.message.tool_calls or ()]
    assert [id for id, _ in calls] == [block["id"] for block in play.blocks if block["type"] == "tool_use"]
    assert reply.usage is not None
    assert (reply.usage.prompt_tokens, reply.usage.completion_tokens) == (11, 7)
    assert emulated.asked[0]["tools"] == [{"name": "weather", "description": "The weather.", "input_schema": SCHEMA}]
    assert emulated.headers[0]["anthropic-version"] == "2026-10-21"


async def test_a_conversation_goes_on_with_signed_thoughts_and_tool_results() -> None:
    async with claude(THINKS, TOOLS, TEXT) as (gateway, emulated), chat(gateway) as client:
        history: list[Any] = list(ASK)
        for _ in range(2):
            reply = await client.chat.completions.create(model="m", messages=history, tools=[WEATHER])
            message = reply.choices[0].message
            history.append(message.to_dict())
            calls = message.tool_calls or []
            history += [{"role": "tool", "tool_call_id": call.id, "content": "sunny"} for call in calls]
            history += [] if calls else [{"role": "user", "content": "and then?"}]
        await client.chat.completions.create(model="m", messages=history, tools=[WEATHER])
    roles = [message["role"] for message in emulated.asked[2]["messages"]]
    assert roles == ["user", "assistant", "user", "assistant", "user"]
    assert emulated.asked[2]["messages"][1]["content"] == list(THINKS.blocks)
    assert emulated.asked[2]["messages"][3]["content"] == list(TOOLS.blocks)
    results = emulated.asked[2]["messages"][4]["content"]
    assert [block["tool_use_id"] for block in results] == ["toolu_1", "toolu_2"]


async def test_the_anthropic_sdk_is_passed_through_to_anthropic() -> None:
    async with claude(THINKS) as (gateway, emulated), messages(gateway) as client:
        reply = await client.messages.create(model="m", max_tokens=4000, messages=ASK)
        async with client.messages.stream(model="m", max_tokens=4000, messages=ASK) as streamed:
            final = await streamed.get_final_message()
        count = await client.messages.count_tokens(model="m", messages=ASK)
    assert reply.to_dict()["content"] == final.to_dict()["content"] == list(THINKS.blocks)
    assert count.input_tokens == 14
    assert emulated.asked[0] == {"model": "claude-opus-4-6", "max_tokens": 4000, "messages": ASK}


async def test_a_field_claude_has_no_word_for_is_refused_or_dropped_by_name() -> None:
    asked: dict[str, Any] = {"model": "m", "messages": ASK, "seed": 7, "n": 2}
    async with claude() as (gateway, emulated), chat(gateway) as client:
        with pytest.raises(openai.BadRequestError, match="'seed', 'n'") as refused:
            await client.chat.completions.create(**asked)
        assert refused.value.param == "seed"
        assert emulated.asked == []
    async with claude(more="unsupported: drop") as (gateway, emulated), chat(gateway) as client:
        raw = await client.chat.completions.with_raw_response.create(**asked)
        assert raw.headers["x-cloverleaf-dropped"] == "seed, n"
        assert raw.headers["content-type"] == "application/json"


@pytest.mark.parametrize(
    ("play", "status", "code"),
    [
        (THROTTLED, 429, "rate_limit_exceeded"),
        (OVERLOADED, 503, "overloaded"),
        (TOO_LONG, 400, "context_length_exceeded"),
        (Says(ending="overloaded_error"), 503, "overloaded"),
    ],
)
async def test_what_goes_wrong_there_is_an_error_of_openais_kind(play: Any, status: int, code: str) -> None:
    async with claude(play) as (gateway, _), chat(gateway) as client:
        if isinstance(play, Says):
            stream = await client.chat.completions.create(model="m", messages=ASK, stream=True)
            with pytest.raises(openai.APIError, match="scripted"):
                async for _chunk in stream:
                    pass
            return
        with pytest.raises(openai.APIStatusError) as refused:
            await client.chat.completions.create(model="m", messages=ASK)
    assert refused.value.status_code == status
    assert refused.value.code == code


async def test_the_anthropic_sdk_is_answered_by_any_server() -> None:
    chunks = [
        b'data: {"id":"c","choices":[{"index":0,"delta":{"role":"assistant","content":""}}]}\n\n',
        b'data: {"id":"c","choices":[{"index":0,"delta":{"content":"yes"}}]}\n\n',
        b'data: {"id":"c","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
        b'data: {"id":"c","choices":[],"usage":{"prompt_tokens":1000,"completion_tokens":500}}\n\n',
        b"data: [DONE]\n\n",
    ]
    async with translated(whole(ANSWER), stream(*chunks)) as (gateway, up), messages(gateway) as client:
        reply = await client.messages.create(model="m", max_tokens=50, system="be short", messages=ASK)
        async with client.messages.stream(model="m", max_tokens=50, messages=ASK) as streamed:
            final = await streamed.get_final_message()
        count = await client.messages.with_raw_response.count_tokens(model="m", messages=ASK)
    assert reply.content[0].to_dict() == final.content[0].to_dict() == {"type": "text", "text": "yes"}
    assert reply.usage.input_tokens == final.usage.input_tokens == 1000
    assert (reply.stop_reason, final.stop_reason) == ("end_turn", "end_turn")
    assert count.headers["x-cloverleaf-usage"] == "estimated"
    assert up.calls[0].target == "/v1/chat/completions"


async def test_the_responses_api_is_answered_by_claude() -> None:
    tool: Any = {"type": "function", "name": "weather", "description": "The weather.", "parameters": SCHEMA}
    async with claude(THINKS, THINKS, TOOLS, TEXT) as (gateway, emulated), chat(gateway) as client:
        reply = await client.responses.create(model="m", input="hi", instructions="be short")
        async with client.responses.stream(model="m", input="hi") as streamed:
            final = await streamed.get_final_response()
        history: list[Any] = [{"role": "user", "content": "hi"}, *(item.to_dict() for item in reply.output)]
        history.append({"role": "user", "content": "look"})
        calls = await client.responses.create(model="m", input=history, tools=[tool])
        history += [item.to_dict() for item in calls.output]
        called = [item.call_id for item in calls.output if item.type == "function_call"]
        history += [{"type": "function_call_output", "call_id": id, "output": "sunny"} for id in called]
        last = await client.responses.create(model="m", input=history, tools=[tool])
    assert reply.output_text == final.output_text == "42"
    assert [item.type for item in reply.output] == [item.type for item in final.output]
    assert called == ["toolu_1", "toolu_2"]
    assert last.output_text == "Hello from Claude."
    assert emulated.asked[0]["system"] == [{"type": "text", "text": "be short"}]
    assert emulated.asked[2]["messages"][1]["content"] == list(THINKS.blocks)
    assert emulated.asked[3]["messages"][3]["content"] == list(TOOLS.blocks)


@pytest.mark.parametrize("field", [{"previous_response_id": "resp_1"}, {"background": True}, {"conversation": "c"}])
async def test_an_answer_that_would_have_to_be_kept_is_refused_by_name(field: dict[str, Any]) -> None:
    async with claude() as (gateway, _), chat(gateway) as client:
        with pytest.raises(openai.BadRequestError, match="answers are not stored") as refused:
            await client.responses.create(model="m", input="hi", **field)
    assert refused.value.param == next(iter(field))


@pytest.mark.parametrize("native", [True, False], ids=["itself", "translated"])
async def test_the_anthropic_sdk_is_answered_by_an_engine(native: bool) -> None:
    engine = Engine(EngineOptions(model="tiny"))
    root = await engine.start("127.0.0.1", 0)
    place = (
        f'provider: vllm, endpoints: ["{root}"]' if native else f'provider: openai_compatible, base_url: "{root}/v1"'
    )
    try:
        async with (
            running(f"deployments: {{d: {{model: tiny, {place}}}}}\nmodels: {{m: {{deployments: [d]}}}}\n") as gateway,
            messages(gateway) as client,
        ):
            asked: Any = {"model": "m", "max_tokens": 12, "messages": ASK}
            reply = await client.messages.create(**asked)
            async with client.messages.stream(**asked) as streamed:
                final = await streamed.get_final_message()
            count = await client.messages.count_tokens(model="m", messages=ASK)
    finally:
        await engine.stop()
    assert reply.content and final.content
    assert reply.stop_reason == final.stop_reason == "max_tokens"
    assert reply.usage.output_tokens == final.usage.output_tokens == 12
    assert count.input_tokens > 0


async def test_a_messages_client_is_refused_in_its_own_envelope() -> None:
    async with translated(whole(ANSWER)) as (gateway, _), messages(gateway) as client:
        with pytest.raises(anthropic.NotFoundError, match="does not exist"):
            await client.messages.create(model="gone", max_tokens=5, messages=ASK)
        with pytest.raises(anthropic.BadRequestError, match=r"tools\[0\]"):
            await client.messages.create(
                model="m", max_tokens=5, messages=ASK, tools=[{"type": "web_search_20250305", "name": "web_search"}]
            )


async def test_sound_never_reaches_a_model_that_cannot_hear() -> None:
    sound: Any = [{"role": "user", "content": [{"type": "input_audio", "input_audio": {"data": "", "format": "wav"}}]}]
    async with upstream(Anthropic()) as deaf, upstream(whole(ANSWER)) as hearing:
        text = f"""
deployments:
  claude: {{provider: anthropic, model: c, base_url: "{deaf.url}", api_key: {KEY}}}
  other: {{provider: openai_compatible, model: o, base_url: "{hearing.url}"}}
models:
  m: {{deployments: [claude, other]}}
  c: {{deployments: [claude]}}
"""
        async with running(text) as gateway, chat(gateway) as client:
            reply = await client.chat.completions.create(model="m", messages=sound)
            with pytest.raises(openai.BadRequestError, match="supports audio"):
                await client.chat.completions.create(model="c", messages=sound)
    assert reply.choices[0].message.content == "yes"
    assert deaf.calls == []


async def test_claude_takes_over_from_a_pool_that_is_down() -> None:
    async with upstream(Anthropic(TOOLS)) as up:
        text = f"""
deployments:
  pool: {{provider: vllm, model: llama, endpoints: ["http://127.0.0.1:1"]}}
  claude:
    provider: anthropic
    model: claude-opus-4-6
    base_url: "{up.url}"
    api_key: {KEY}
    price: {{input: 1000000, output: 0}}
models: {{m: {{deployments: [pool, claude]}}}}
"""
        async with running(text) as gateway, chat(gateway) as client:
            raw = await client.chat.completions.with_raw_response.create(model="m", messages=ASK, tools=[WEATHER])
    assert raw.headers["x-cloverleaf-deployment"] == "claude"
    assert float(raw.headers["x-cloverleaf-cost-usd"]) == 11
    assert len(raw.parse().choices[0].message.tool_calls or ()) == 2


@pytest.mark.parametrize(("provider", "limit"), [("openai", "max_completion_tokens"), ("openrouter", "max_tokens")])
async def test_the_most_tokens_are_named_as_the_provider_knows_them(provider: str, limit: str) -> None:
    """OpenAI's later models refuse the old name; other servers may not know the new one."""
    async with upstream(whole(ANSWER)) as up:
        text = f"""
deployments: {{d: {{provider: {provider}, model: m, base_url: "{up.url}", api_key: k}}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text) as gateway, messages(gateway) as client:
            await client.messages.create(model="m", max_tokens=50, messages=ASK)
    sent = msgspec.json.decode(up.calls[0].body)
    assert {key: value for key, value in sent.items() if key.startswith("max_")} == {limit: 50}
