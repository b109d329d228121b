"""The openai SDK through a running gateway to the emulated Google: the Gemini API and Vertex AI."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import anthropic
import msgspec
import openai
import pytest

from tests.emulators.google import KEY, Google, emulated
from tests.providers.sdk import HI, Served, served

TOOLS: Any = [
    {"type": "function", "function": {"name": "weather", "strict": True, "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": False}}},
    {"type": "function", "function": {"name": "clock", "parameters": {"type": "object", "properties": {}}}},
]  # fmt: skip
SAID = "Be kind: You said: Who is there?"
CONFIG = """
deployments:
  gemini: {{provider: gemini, model: gemini-2.5-flash, base_url: "{root}/v1beta", api_key: {key}{more}}}
  three: {{provider: gemini, model: gemini-3-pro, base_url: "{root}/v1beta", api_key: {key}}}
  vertex:
    provider: vertex
    model: gemini-2.5-flash
    base_url: "{root}/v1"
    region: us-central1
    credentials: "file:{account}"
    price: {{input: 1, output: 2, cached_input: 0.1}}
  vectors: {{provider: gemini, model: gemini-embedding-001, base_url: "{root}/v1beta", api_key: {key}}}
  texts: {{provider: vertex, model: text-embedding-005, base_url: "{root}/v1", region: us-central1,
           credentials: "file:{account}"}}
models:
  gemini: {{deployments: [gemini]}}
  three: {{deployments: [three]}}
  vertex: {{deployments: [vertex]}}
  both: {{deployments: [vertex, gemini]}}
  vectors: {{deployments: [vectors]}}
  texts: {{deployments: [texts]}}
defaults: {{retry: {{attempts: 0}}}}
"""


@asynccontextmanager
async def behind(tmp_path: Path, more: str = "", down: int = 0) -> AsyncIterator[tuple[Google, Served]]:
    """The emulated Google, and the SDK before a gateway that leads there. ``down``: tokens that are not given."""
    async with emulated() as (google, upstream):
        google.tokens.down = down
        account = tmp_path / "account.json"
        account.write_bytes(msgspec.json.encode(google.tokens.service_account()))
        text = CONFIG.format(root=f"http://127.0.0.1:{upstream.port}", key=KEY, account=account, more=more)
        async with served(text) as on:
            yield google, on


@pytest.mark.parametrize("model", ["gemini", "vertex"])
async def test_chat_whole_and_streamed(model: str, tmp_path: Path) -> None:
    async with behind(tmp_path) as (_, on):
        whole = await on.chat(model, reasoning_effort="low")
        message = whole.choices[0].message
        assert (message.content, message.reasoning_content) == (SAID, "The user wants an answer.")
        assert whole.usage.completion_tokens_details.reasoning_tokens == 40
        assert whole.usage.total_tokens == whole.usage.prompt_tokens + whole.usage.completion_tokens
        stream = await on.streamed(model, reasoning_effort="low")
        assert (stream.text, stream.thought, stream.finish) == (SAID, "The user wants an answer.", "stop")
        assert stream.usage == whole.usage
        assert whole.model == "gemini-2.5-flash-001"


@pytest.mark.parametrize("model", ["gemini", "three", "vertex"])
async def test_a_loop_of_parallel_tool_calls(model: str, tmp_path: Path) -> None:
    async with behind(tmp_path) as (_, on):
        whole = await on.chat(model, tools=TOOLS)
        calls = whole.choices[0].message.tool_calls
        assert whole.choices[0].finish_reason == "tool_calls"
        stream = await on.streamed(model, tools=TOOLS)
        assert stream.finish == "tool_calls"
        assert stream.calls == [[call.function.name, call.function.arguments] for call in calls]
        message = whole.choices[0].message.model_dump(exclude_none=True)
        results = [{"role": "tool", "tool_call_id": call.id, "content": f"of {call.function.name}"} for call in calls]
        done = await on.chat(model, tools=TOOLS, messages=[*HI, message, *results])
        assert done.choices[0].message.content == (
            'Be kind: You said: [weather: {"output":"of weather"}] [clock: {"output":"of clock"}]'
        )


@pytest.mark.parametrize("model", ["gemini", "three", "vertex"])
async def test_a_tool_loop_in_anthropics_words(model: str, tmp_path: Path) -> None:
    """Its tool_use has no place for a signature: Gemini 3 lets the call pass all the same."""
    tool: Any = {"name": "clock", "input_schema": {"type": "object", "properties": {}}}
    asked: Any = [{"role": "user", "content": "How late is it?"}]
    async with (
        behind(tmp_path) as (_, on),
        anthropic.AsyncAnthropic(base_url=on.gateway.url, api_key="x", max_retries=0) as client,
    ):
        first = await client.messages.create(model=model, max_tokens=100, messages=asked, tools=[tool])
        assert first.stop_reason == "tool_use"
        use = first.content[-1]
        assert isinstance(use, anthropic.types.ToolUseBlock) and use.name == "clock"
        result: Any = {"type": "tool_result", "tool_use_id": use.id, "content": "noon"}
        turns = [*asked, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
        async with client.messages.stream(model=model, max_tokens=100, messages=turns, tools=[tool]) as stream:
            assert await stream.get_final_text() == 'You said: [clock: {"output":"noon"}]'


async def test_schemas_pictures_and_log_probabilities(tmp_path: Path) -> None:
    async with behind(tmp_path) as (_, on):
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}, "additionalProperties": False}
        wanted = {"type": "json_schema", "json_schema": {"name": "n", "strict": True, "schema": schema}}
        assert (await on.chat("gemini", response_format=wanted)).choices[0].message.content == '{"n":3}'
        picture = f"data:image/png;base64,{base64.b64encode(b'12345').decode()}"
        content = [{"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": picture}}]
        seen = await on.chat("vertex", messages=[{"role": "user", "content": content}])
        assert seen.choices[0].message.content == "You said: see [image/png of 5 bytes]"
        scored = await on.chat("vertex", logprobs=True, top_logprobs=2, n=2)
        assert [len(choice.logprobs.content) for choice in scored.choices] == [7, 7]
        assert len(scored.choices[0].logprobs.content[0].top_logprobs) == 2


@pytest.mark.parametrize("model", ["vectors", "texts"])
async def test_embeddings(model: str, tmp_path: Path) -> None:
    """The SDK asks for base64 by itself, which its own strict mode does not take."""
    async with (
        behind(tmp_path) as (_, on),
        openai.AsyncOpenAI(base_url=f"{on.gateway.url}/v1", api_key="x", max_retries=0) as client,
    ):
        packed = await client.embeddings.create(model=model, input=["one", "two"], dimensions=4)
        plain = await client.embeddings.create(model=model, input="one", dimensions=4, encoding_format="float")
        assert [len(one.embedding) for one in packed.data] == [4, 4]
        assert packed.data[0].embedding == pytest.approx(plain.data[0].embedding)
        with pytest.raises(openai.BadRequestError, match="does not accept token ids"):
            await client.embeddings.create(model=model, input=[[1, 2]])


async def test_what_google_has_no_word_for(tmp_path: Path) -> None:
    async with behind(tmp_path) as (google, on):
        with pytest.raises(openai.BadRequestError, match="logit_bias") as refused:
            await on.chat("gemini", logit_bias={"1": 5})
        assert refused.value.param == "logit_bias"
        assert not google.asked
    async with behind(tmp_path, more=", unsupported: drop") as (_, on):
        raw = await on.client.chat.completions.with_raw_response.create(
            model="gemini", messages=HI, logit_bias={"1": 5}
        )
        assert raw.headers["x-cloverleaf-dropped"] == "logit_bias"


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        ("rate_limited", openai.RateLimitError),
        ("spent_for_today", openai.RateLimitError),
        ("overloaded", openai.InternalServerError),
        ("internal", openai.InternalServerError),
        ("too_long", openai.BadRequestError),
        ("bad_key", openai.InternalServerError),
        ("not_found", openai.NotFoundError),
        ("blocked", openai.BadRequestError),
        ("malformed_call", openai.InternalServerError),
        ("empty", openai.InternalServerError),
        ("nothing", openai.InternalServerError),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_a_fault_is_an_openai_error(
    fault: str, error: type[openai.APIStatusError], stream: bool, tmp_path: Path
) -> None:
    async with behind(tmp_path) as (google, on):
        google.faults.append(fault)
        with pytest.raises(error) as raised:
            await on.chat("gemini", stream=stream)
        assert isinstance(raised.value.body, dict) and set(raised.value.body) >= {"message", "type", "param", "code"}
        assert KEY not in str(raised.value)


@pytest.mark.parametrize("fault", ["rate_limited", "overloaded", "internal", "cut_at_once", "broken_at_once", "empty"])
async def test_what_fails_before_its_first_word_is_answered_elsewhere(fault: str, tmp_path: Path) -> None:
    async with behind(tmp_path) as (google, on):
        google.faults.append(fault)
        assert (await on.streamed("both")).text == SAID
        assert [line["deployment"] for line in on.gateway.requests()] == ["gemini"]


@pytest.mark.parametrize("fault", ["cut", "broken"])
async def test_what_breaks_later_says_so_in_the_stream(fault: str, tmp_path: Path) -> None:
    async with behind(tmp_path) as (google, on):
        google.faults.append(fault)
        with pytest.raises(openai.APIError):
            await on.streamed("both")


async def test_without_a_token_another_deployment_answers(tmp_path: Path) -> None:
    async with behind(tmp_path, down=10_000) as (_, on):
        answer = await on.chat("both")
        assert answer.choices[0].message.content == SAID
        assert [line["deployment"] for line in on.gateway.requests()] == ["gemini"]
        with pytest.raises(
            openai.InternalServerError, match=r"no valid token of Google .*503, temporarily_unavailable"
        ):
            await on.chat("vertex")


async def test_what_was_read_from_the_cache_costs_less(tmp_path: Path) -> None:
    async with behind(tmp_path) as (_, on):
        raw = await on.client.chat.completions.with_raw_response.create(
            model="vertex", messages=HI, extra_body={"cached_content": "cachedContents/1"}
        )
        usage = raw.parse().usage
        assert usage is not None and usage.prompt_tokens_details is not None
        assert usage.prompt_tokens_details.cached_tokens == 2048
        fresh = usage.prompt_tokens - 2048
        cost = (fresh + 204.8 + 2 * usage.completion_tokens) / 1e6
        assert float(raw.headers["x-cloverleaf-cost-usd"]) == pytest.approx(cost, abs=1e-8)
