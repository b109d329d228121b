"""The emulated Google, proved with Google's own client before anything of ours is tried against it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
import requests
from google import genai
from google.auth.exceptions import RefreshError
from google.auth.transport.requests import Request
from google.genai import errors, types
from google.genai.models import AsyncModels
from google.oauth2 import credentials, service_account

from tests.emulators.google import KEY, Google, emulated
from tests.emulators.google_tokens import METADATA, SCOPE

WEATHER = {
    "name": "weather",
    "parametersJsonSchema": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
CLOCK = {"name": "clock", "parameters": {"type": "OBJECT", "properties": {"zone": {"type": "STRING"}}}}


@asynccontextmanager
async def gemini(port: int, key: str = KEY) -> AsyncIterator[AsyncModels]:
    options = types.HttpOptions(base_url=f"http://127.0.0.1:{port}", api_version="v1beta")
    client = genai.Client(api_key=key, http_options=options)
    try:
        yield client.aio.models
    finally:
        await client.aio.aclose()
        client.close()


@asynccontextmanager
async def vertex(google: Google, port: int) -> AsyncIterator[AsyncModels]:
    """With a token that google-auth got from the emulated endpoint for the service account's own file."""
    account = service_account.Credentials.from_service_account_info(google.tokens.service_account(), scopes=[SCOPE])
    await refreshed(account)
    options = types.HttpOptions(base_url=f"http://127.0.0.1:{port}", api_version="v1")
    client = genai.Client(
        vertexai=True, project="proj", location="us-central1", credentials=account, http_options=options
    )
    try:
        yield client.aio.models
    finally:
        await client.aio.aclose()
        client.close()


async def refreshed(account: Any) -> None:
    with requests.Session() as session:
        await asyncio.to_thread(account.refresh, Request(session))


@pytest.mark.parametrize("door", ["gemini", "vertex"])
async def test_googles_client_gets_an_answer_whole_and_streamed(door: str) -> None:
    async with (
        emulated() as (google, upstream),
        gemini(upstream.port) if door == "gemini" else vertex(google, upstream.port) as models,
    ):
        config: Any = {"system_instruction": "Be kind", "thinking_config": {"include_thoughts": True}}
        whole = await models.generate_content(model="gemini-2.5-flash", contents="hello", config=config)
        assert whole.text == "Be kind: You said: hello"
        assert whole.usage_metadata is not None and whole.usage_metadata.thoughts_token_count == 40
        text = ""
        async for chunk in await models.generate_content_stream(
            model="gemini-2.5-flash", contents="hello", config=config
        ):
            text += chunk.text or ""
        assert text == whole.text


@pytest.mark.parametrize("stream", [False, True])
async def test_parallel_calls_and_their_results(stream: bool) -> None:
    async with emulated() as (_, upstream), gemini(upstream.port) as models:
        config: Any = {"tools": [{"function_declarations": [
            types.FunctionDeclaration(name="weather", parameters_json_schema=WEATHER["parametersJsonSchema"]),
            types.FunctionDeclaration(name="clock", parameters=CLOCK["parameters"]),  # type: ignore[arg-type]
        ]}], "automatic_function_calling": {"disable": True}}  # fmt: skip
        asked = types.Content(role="user", parts=[types.Part(text="where?")])
        if stream:
            parts = [
                part
                async for chunk in await models.generate_content_stream(
                    model="gemini-3-pro", contents=[asked], config=config
                )
                for part in chunk.candidates[0].content.parts  # type: ignore[index,union-attr]
            ]
        else:
            reply = await models.generate_content(model="gemini-3-pro", contents=[asked], config=config)
            parts = reply.candidates[0].content.parts  # type: ignore[index,union-attr,assignment]
        calls = [part.function_call for part in parts if part.function_call]
        assert [(call.name, call.args) for call in calls] == [
            ("weather", {"city": "text"}),
            ("clock", {"zone": "text"}),
        ]
        assert parts[0].thought_signature and not parts[1].thought_signature
        results = [types.Part(function_response=types.FunctionResponse(id=c.id, name=c.name, response={"r": 1}))
                   for c in calls]  # fmt: skip
        history = [asked, types.Content(role="model", parts=parts), types.Content(role="user", parts=results)]
        done = await models.generate_content(model="gemini-3-pro", contents=history, config=config)
        assert done.text == 'You said: [weather: {"r":1}] [clock: {"r":1}]'
        unsigned = [types.Part(function_call=call) for call in calls]
        history[1] = types.Content(role="model", parts=unsigned)
        with pytest.raises(errors.ClientError, match="thought_signature"):
            await models.generate_content(model="gemini-3-pro", contents=history, config=config)


async def test_schema_logprobs_candidates_and_counting() -> None:
    async with emulated() as (_, upstream), gemini(upstream.port) as models:
        schema = {"type": "object", "properties": {"n": {"type": "integer"}}}
        config: Any = {"response_mime_type": "application/json", "response_json_schema": schema}
        assert (await models.generate_content(model="g", contents="x", config=config)).text == '{"n":3}'
        config = {"response_logprobs": True, "logprobs": 2, "candidate_count": 2}
        reply = await models.generate_content(model="g", contents="x", config=config)
        assert len(reply.candidates or []) == 2
        assert reply.candidates[0].logprobs_result.chosen_candidates[0].token == "You"  # type: ignore[index,union-attr]
        assert (await models.count_tokens(model="g", contents="hello there")).total_tokens


async def test_embeddings() -> None:
    async with emulated() as (google, upstream), gemini(upstream.port) as models:
        config = types.EmbedContentConfig(output_dimensionality=4)
        two = await models.embed_content(model="gemini-embedding-001", contents=["a", "b"], config=config)
        assert [len(one.values or []) for one in two.embeddings or []] == [4, 4]
        async with vertex(google, upstream.port) as models:
            two = await models.embed_content(model="text-embedding-005", contents=["a", "b"], config=config)
            assert [len(one.values or []) for one in two.embeddings or []] == [4, 4]
            one = await models.embed_content(model="gemini-embedding-2", contents="a", config=config)
            assert len((one.embeddings or [])[0].values or []) == 4


@pytest.mark.parametrize(
    ("fault", "code", "status"),
    [
        ("rate_limited", 429, "RESOURCE_EXHAUSTED"),
        ("overloaded", 503, "UNAVAILABLE"),
        ("too_long", 400, "INVALID_ARGUMENT"),
        ("not_found", 404, "NOT_FOUND"),
    ],
)
async def test_googles_client_sees_the_fault(fault: str, code: int, status: str) -> None:
    async with emulated() as (google, upstream), gemini(upstream.port) as models:
        google.faults.append(fault)
        with pytest.raises(errors.APIError) as raised:
            await models.generate_content(model="g", contents="x")
        assert (raised.value.code, raised.value.status) == (code, status)


async def test_endings_that_are_no_answer() -> None:
    async with emulated() as (google, upstream), gemini(upstream.port) as models:
        google.faults += ["blocked", "unsafe", "malformed_call", "nothing"]
        blocked = await models.generate_content(model="g", contents="x")
        assert blocked.prompt_feedback and blocked.prompt_feedback.block_reason == "PROHIBITED_CONTENT"
        for finish in ("SAFETY", "MALFORMED_FUNCTION_CALL"):
            reply = await models.generate_content(model="g", contents="x")
            assert reply.candidates and reply.candidates[0].finish_reason == finish
        assert not (await models.generate_content(model="g", contents="x")).candidates


async def test_streams_that_break() -> None:
    async with emulated() as (google, upstream), gemini(upstream.port) as models:
        google.faults += ["cut", "broken"]
        for error in (Exception, errors.ServerError):
            with pytest.raises(error):
                async for _ in await models.generate_content_stream(model="g", contents="a long enough question"):
                    pass


async def test_who_may_not_ask() -> None:
    async with emulated() as (google, upstream):
        async with gemini(upstream.port, "wrong") as models:
            with pytest.raises(errors.ClientError, match="API_KEY_INVALID"):
                await models.generate_content(model="g", contents="x")
        async with vertex(google, upstream.port) as models:
            google.tokens.valid.clear()
            with pytest.raises(errors.ClientError, match="401"):
                await models.generate_content(model="g", contents="x")
        info = {**google.tokens.service_account(), "private_key_id": "another"}
        account = service_account.Credentials.from_service_account_info(info, scopes=[SCOPE])
        with pytest.raises(RefreshError, match="invalid_grant"):
            await refreshed(account)


async def test_the_other_places_that_give_tokens() -> None:
    async with emulated() as (google, upstream):
        given = {name: text for name, text in google.tokens.authorized_user().items() if name != "type"}
        user = credentials.Credentials(None, **given)  # type: ignore[no-untyped-call]
        await refreshed(user)
        assert google.tokens.knows(f"Bearer {user.token}")
        async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{upstream.port}") as client:
            assert (await client.get(METADATA)).status_code == 403
            given = (await client.get(METADATA, headers={"metadata-flavor": "Google"})).json()
        assert google.tokens.knows(f"Bearer {given['access_token']}") and given["expires_in"] == 3600
