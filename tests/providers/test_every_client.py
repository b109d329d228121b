"""The real SDKs through a running gateway to every dialect: what they ask for arrives, and both ways say the same."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import msgspec
import openai
import pytest

from tests.contracts_providers.requests import IMAGE, SCHEMA, WEATHER, pixel
from tests.providers.sdk import collected
from tests.providers.stages import DIALECTS, TOLD, Stage, stage

NOW = {"type": "function", "function": {"name": "now", "parameters": {"type": "object", "properties": {}}}}
SOURCE = {"type": "base64", "media_type": "image/png", "data": pixel()}
CHAT: dict[str, dict[str, Any]] = {
    "tools": {"tools": [WEATHER, NOW], "tool_choice": "auto"},
    "image": {"messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, IMAGE]}]},
    "json_schema": {"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}},
    "reasoning": {"reasoning_effort": "low"},
}
MESSAGES: dict[str, dict[str, Any]] = {
    "tools": {
        "tools": [{"name": "weather", "input_schema": SCHEMA}, {"name": "now", "input_schema": {"type": "object"}}]
    },
    "image": {
        "messages": [
            {"role": "user", "content": [{"type": "text", "text": "what?"}, {"type": "image", "source": SOURCE}]}
        ]
    },
    "json_schema": {"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
    "reasoning": {"thinking": {"type": "enabled", "budget_tokens": 2048}},
}
RESPONSES: dict[str, dict[str, Any]] = {
    "tools": {"tools": [{"type": "function", "strict": False, **tool["function"]} for tool in (WEATHER, NOW)]},
    "image": {
        "input": [
            {
                "role": "user",
                "content": [
                    {"type": "input_text", "text": "what?"},
                    {"type": "input_image", "detail": "auto", "image_url": IMAGE["image_url"]["url"]},
                ],
            }
        ]
    },
    "json_schema": {"text": {"format": {"type": "json_schema", "name": "place", "schema": SCHEMA}}},
    "reasoning": {"reasoning": {"effort": "low", "summary": "auto"}},
}
#: What of the client's words must be in the provider's, whatever its dialect.
TRACES = {"chat": "hi", "tools": "weather", "image": pixel(), "json_schema": "days"}
every = pytest.mark.parametrize(("dialect", "told"), [(dialect, told) for dialect in DIALECTS for told in TOLD])


def check_arrived(on: Stage, told: str) -> None:
    """Both requests, the whole one and the stream, said what the client said."""
    asked = [msgspec.json.encode(body).decode() for body in on.asked()]
    assert len(asked) == 2
    for body in asked:
        if told == "reasoning":
            assert '"thinking' in body or '"reasoning_effort":"low"' in body
        else:
            assert TRACES[told] in body


def check_said(told: str, text: str, thought: str, calls: list[tuple[str, object]]) -> None:
    assert (thought != "") == (told == "reasoning")
    assert [name for name, _ in calls] == (["weather", "now"] if told == "tools" else [])
    assert all(isinstance(arguments, dict) for _, arguments in calls)
    if told == "json_schema":
        assert set(msgspec.json.decode(text)) == {"city", "days"}
    assert text or calls


@asynccontextmanager
async def sdk(on: Stage) -> AsyncIterator[openai.AsyncOpenAI]:
    url = f"{on.gateway.url}/v1"
    async with openai.AsyncOpenAI(base_url=url, api_key="x", max_retries=0, _strict_response_validation=True) as client:
        yield client


@every
async def test_chat(dialect: str, told: str, tmp_path: Path) -> None:
    asked: Any = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **CHAT.get(told, {})}
    async with stage(dialect, told, tmp_path) as on, sdk(on) as client:
        whole = await client.chat.completions.create(**asked)
        usage = {"include_usage": True}
        stream = await collected(await client.chat.completions.create(**asked, stream=True, stream_options=usage))
        check_arrived(on, told)
    (choice,) = whole.choices
    message = choice.message
    calls = [[call.function.name, call.function.arguments] for call in message.tool_calls or ()]
    thought = getattr(message, "reasoning_content", None) or ""
    check_said(told, message.content or "", thought, [(n, msgspec.json.decode(a)) for n, a in calls])
    assert (stream.text, stream.thought, stream.calls) == (message.content or "", thought, calls)
    assert stream.finish == choice.finish_reason == ("tool_calls" if calls else "stop")
    assert whole.usage is not None and stream.usage == whole.usage
    assert whole.usage.prompt_tokens + whole.usage.completion_tokens == whole.usage.total_tokens > 0


@every
async def test_messages(dialect: str, told: str, tmp_path: Path) -> None:
    asked: Any = {"model": "m", "max_tokens": 4000, "messages": [{"role": "user", "content": "hi"}]}
    asked |= MESSAGES.get(told, {})
    async with (
        stage(dialect, told, tmp_path) as on,
        anthropic.AsyncAnthropic(base_url=on.gateway.url, api_key="x", max_retries=0) as client,
    ):
        whole = await client.messages.create(**asked)
        async with client.messages.stream(**asked) as streaming:
            stream = await streaming.get_final_message()
        check_arrived(on, told)
    text = "".join(block.text for block in whole.content if block.type == "text")
    thought = "".join(block.thinking for block in whole.content if block.type == "thinking")
    calls = [(block.name, block.input) for block in whole.content if block.type == "tool_use"]
    check_said(told, text, thought, calls)
    assert [_plain(block) for block in stream.content] == [_plain(block) for block in whole.content]
    assert stream.stop_reason == whole.stop_reason == ("tool_use" if calls else "end_turn")
    assert (stream.usage.input_tokens, stream.usage.output_tokens) == (
        whole.usage.input_tokens,
        whole.usage.output_tokens,
    )


def _plain(block: Any) -> dict[str, Any]:
    return {key: value for key, value in block.to_dict().items() if value is not None}


@every
async def test_responses(dialect: str, told: str, tmp_path: Path) -> None:
    asked: Any = {"model": "m", "input": "hi", "store": False, **RESPONSES.get(told, {})}
    # Azure's v1 API answers this door itself; its older URLs are translated.
    more = ', api_version: "2024-10-21"' if dialect == "azure" else ""
    async with stage(dialect, told, tmp_path, more) as on, sdk(on) as client:
        whole = await client.responses.create(**asked)
        stream = None
        async for event in await client.responses.create(**asked, stream=True):
            stream = event.response if event.type == "response.completed" else stream
        check_arrived(on, told)
    assert stream is not None and whole.usage is not None
    thought = "".join(s.text for item in whole.output if item.type == "reasoning" for s in item.summary)
    calls = [(item.name, item.arguments) for item in whole.output if item.type == "function_call"]
    check_said(told, whole.output_text, thought, [(n, msgspec.json.decode(a)) for n, a in calls])
    assert stream.status == whole.status == "completed"
    assert (stream.output_text, stream.usage) == (whole.output_text, whole.usage)
    assert [item.type for item in stream.output] == [item.type for item in whole.output]
    assert [(item.name, item.arguments) for item in stream.output if item.type == "function_call"] == calls
    assert whole.usage.input_tokens + whole.usage.output_tokens == whole.usage.total_tokens > 0
