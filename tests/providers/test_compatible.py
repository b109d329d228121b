"""The compatible providers: each is served, and differs from OpenAI as its descriptor says."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from math import inf
from typing import Any

import msgspec
import openai
import pytest

from backends.providers import PROVIDERS
from backends.providers.adapters import openai_api
from tests.contracts.client import connected, post
from tests.contracts.scripted import ANSWER, Script, Upstream, error, stream, upstream, whole
from tests.contracts.serving import running, until
from tests.emulators.aws_signature import Identity, problem
from tests.providers.sdk import Served, served

KNOWN = {provider.name: provider for provider in PROVIDERS}
#: A cloud for each set of own words, and an engine for each way to ask for its health.
CLOUDS = [*{repr(each.fields): each.name for each in PROVIDERS if each.make is openai_api and each.base_url}.values()]
ENGINES = [*{each.health: each.name for each in PROVIDERS if each.address == "endpoints"}.values()]

CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"x","choices":[{"index":0,"delta":%b,"finish_reason":%b}]%b}\n\n'  # noqa: E501
STREAM = (
    CHUNK % (b'{"role":"assistant","content":""}', b"null", b""),
    CHUNK % (b'{"content":"yes"}', b"null", b""),
    CHUNK % (b"{}", b'"stop"', b',"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'),
    b"data: [DONE]\n\n",
)


@asynccontextmanager
async def gateway(provider: str, *scripts: Script, more: str = "") -> AsyncIterator[tuple[Upstream, Served]]:
    async with upstream(*scripts or (whole(ANSWER),)) as server:
        where = (
            f"endpoints: [http://127.0.0.1:{server.port}]" if KNOWN[provider].self_hosted else f"base_url: {server.url}"
        )
        text = f"""
deployments:
  d:
    provider: {provider}
    model: x
    {where}
    api_key: sk-upstream
    {more}
models: {{m: {{deployments: [d]}}}}
defaults: {{retry: {{attempts: 0}}}}
"""
        async with served(text) as on:
            yield server, on


def asked(server: Upstream) -> list[dict[str, Any]]:
    return [msgspec.json.decode(call.body) for call in server.calls if call.body]


def asked_of(server: Upstream) -> set[str]:
    """The fields of the one request."""
    (body,) = asked(server)
    return set(body)


@pytest.mark.parametrize("name", CLOUDS)
async def test_a_cloud_is_asked_in_its_own_words(name: str) -> None:
    async with gateway(name) as (server, on):
        assert (await on.client.chat.completions.with_raw_response.create(model="m", messages=[])).status_code == 200
    (call,) = server.calls
    assert call.target == "/v1/chat/completions"
    assert call.headers["authorization"] == "Bearer sk-upstream"
    assert asked(server) == [{"model": "x", "messages": []}]


@pytest.mark.parametrize("name", [name for name in CLOUDS if KNOWN[name].fields.rejects])
async def test_a_field_it_refuses_is_refused_by_name_or_dropped(name: str) -> None:
    values = {"user": "u", "store": True, "n": 2, "logit_bias": {"1": 1}, "service_tier": "flex", "logprobs": True}
    fields = {field: values.get(field, 1) for field in KNOWN[name].fields.rejects}
    fields["parallel_tool_calls"] = False
    given = {field: fields[field] for field in KNOWN[name].fields.rejects}
    body = msgspec.json.encode({"model": "m", "messages": [], **given, "top_p": 0.5})
    async with gateway(name) as (server, on), connected(on.gateway.port) as client:
        reply = await client.ask(post("/v1/chat/completions", body))
        assert reply.status == 400
        assert all(f"'{field}'" in reply.json["error"]["message"] for field in given)
        assert not server.calls
    async with gateway(name, more="unsupported: drop") as (server, on), connected(on.gateway.port) as client:
        reply = await client.ask(post("/v1/chat/completions", body))
        assert reply.status == 200
        assert reply.headers["x-cloverleaf-dropped"].split(", ") == list(given)
        assert asked(server) == [{"model": "x", "messages": [], "top_p": 0.5}]


async def test_a_field_that_asks_for_nothing_is_no_reason_to_refuse() -> None:
    async with gateway("cerebras") as (server, on):
        await on.client.chat.completions.with_raw_response.create(
            model="m", messages=[], frequency_penalty=0, parallel_tool_calls=True, service_tier="auto"
        )
    assert asked(server) == [{"model": "x", "messages": []}]


async def test_a_field_s_name_deeper_down_is_no_field() -> None:
    body = b'{"model":"m","messages":[],"tools":[{"x":{"logit_bias":{"1":1}}}]}'
    async with gateway("groq") as (server, on), connected(on.gateway.port) as client:
        reply = await client.ask(post("/v1/chat/completions", body))
    assert reply.status == 200
    assert server.calls[0].body == body.replace(b'"m"', b'"x"')  # to the byte


async def test_mistral_has_its_own_names_and_tells_usage_unasked() -> None:
    async with gateway("mistral", stream(*STREAM)) as (server, on):
        collected = await on.streamed(max_completion_tokens=7, seed=3)
    assert (collected.text, collected.finish, collected.usage.total_tokens) == ("yes", "stop", 2)
    assert asked(server)[0].items() >= {"max_tokens": 7, "random_seed": 3, "stream": True}.items()
    assert not asked(server)[0].keys() & {"stream_options", "max_completion_tokens", "seed"}


async def test_the_other_doors_speak_its_words_too() -> None:
    asked = {"model": "m", "max_tokens": 7, "stream": True, "messages": [{"role": "user", "content": "hi"}]}
    async with gateway("mistral", stream(*STREAM)) as (server, on), connected(on.gateway.port) as client:
        reply = await client.ask(post("/v1/messages", msgspec.json.encode(asked)))
    assert b"message_stop" in reply.body
    assert asked_of(server) == {"model", "max_tokens", "stream", "messages"}


async def test_groq_s_error_in_a_stream_and_its_model_s_slips() -> None:
    failed = b'event: error\ndata: {"error":{"message":"no tool","code":"tool_use_failed","status_code":400}}\n\n'
    async with gateway("groq", stream(STREAM[0], failed), error(400, code="tool_use_failed")) as (_, on):
        with pytest.raises(openai.APIError, match="no tool"):
            await on.streamed()
        with pytest.raises(openai.InternalServerError):  # the model's fault, so another place may do better
            await on.chat()


async def test_openrouter_keeps_alive_and_errs_in_numbers() -> None:
    alive = b": OPENROUTER PROCESSING\n\n"
    wrong = b'data: {"id":"c","choices":[],"error":{"code":429,"message":"slow down"}}\n\n'
    async with gateway("openrouter", stream(alive, *STREAM), stream(alive, wrong)) as (_, on):
        assert (await on.streamed()).text == "yes"
        with pytest.raises(openai.RateLimitError, match="slow down"):
            await on.streamed()


async def test_fireworks_suspends_an_account() -> None:
    async with gateway("fireworks", error(412)) as (_, on):
        with pytest.raises(openai.RateLimitError):
            await on.chat()


@pytest.mark.parametrize(
    ("name", "line", "left"),
    [
        ("groq", "x-ratelimit-remaining-tokens: 17", (inf, 17)),
        ("cerebras", "x-ratelimit-remaining-requests-day: 5", (5, inf)),
        ("mistral", "x-ratelimit-remaining-req-minute: 2", (2, inf)),
        ("deepseek", "x-ratelimit-remaining-tokens: 17", (inf, inf)),  # it sends none
    ],
)
async def test_what_is_left_of_its_limits(name: str, line: str, left: tuple[float, float]) -> None:
    async with gateway(name, whole(ANSWER, line)) as (_, on):
        await on.client.chat.completions.with_raw_response.create(model="m", messages=[])
        (candidate,) = on.gateway.gateway.catalog.candidates["d"]
        assert (candidate.domain.requests_left, candidate.domain.tokens_left) == left


async def test_a_limit_that_is_used_up_is_not_asked_for() -> None:
    lines = ("x-ratelimit-remaining-requests: 0", "x-ratelimit-reset-requests: 1m0s")
    async with gateway("groq", whole(ANSWER, *lines)) as (server, on):
        await on.client.chat.completions.with_raw_response.create(model="m", messages=[])
        with pytest.raises(openai.RateLimitError):
            await on.chat()
        assert len(server.calls) == 1


@pytest.mark.parametrize("name", ENGINES)
async def test_an_engine_of_one_s_own_is_a_pool_with_a_health_check(name: str) -> None:
    path = KNOWN[name].health

    async def engine(call: Any) -> None:
        if call.target == path:
            await whole(b"{}", status=503 if sick else 200)(call)
        else:
            await whole(ANSWER)(call)

    sick = False
    async with gateway(name, engine, more="scrape: 50ms") as (server, on):
        load = on.gateway.gateway.catalog.candidates["d"][0].load
        await on.client.chat.completions.with_raw_response.create(model="m", messages=[])
        assert any(call.target == "/v1/chat/completions" for call in server.calls)
        await until(lambda: any(call.target == path for call in server.calls))
        sick = True
        await until(lambda: load.down)
        sick = False
        await until(lambda: not load.down)
        assert not any(call.target == "/metrics" for call in server.calls), "whose metrics are vLLM's alone"


async def test_bedrock_s_openai_endpoint_is_signed() -> None:
    identity = Identity()

    async def runtime(call: Any) -> None:
        assert problem(identity, call.target, call.headers, call.body) is None
        await whole(ANSWER)(call)

    async with upstream(runtime) as server:
        text = f"""
deployments:
  d:
    provider: bedrock_openai
    model: openai.gpt-oss-20b-1:0
    region: us-east-1
    base_url: http://127.0.0.1:{server.port}/openai/v1
    aws: {{access_key_id: {identity.access_key}, secret_access_key: {identity.secret_key}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text) as gateway, connected(gateway.port) as client:
            reply = await client.ask(post("/v1/chat/completions", b'{"model":"m","messages":[]}'))
    assert reply.status == 200
    assert server.calls[0].target == "/openai/v1/chat/completions"
