"""Out of options. Rule: a failure that nobody could rescue is one clean error, and never looks like a clean end."""

import asyncio

import msgspec
import pytest

from tests.contracts.client import ask, chat, connected, post
from tests.contracts.families import (
    DONE,
    FAMILIES,
    FINISH,
    IN_BAND,
    ROLE,
    TEXT,
    request,
    two,
)
from tests.contracts.scripted import (
    ANSWER,
    Call,
    Script,
    begin,
    error,
    silent,
    stream,
    upstream,
    whole,
)
from tests.contracts.serving import running, until

# Out of options


@pytest.mark.parametrize("streamed", [False, True])
@pytest.mark.parametrize("family", ["chat", "messages"])
async def test_when_all_fail_the_client_gets_one_clean_error(door: str, family: str, streamed: bool) -> None:
    async with two(error(500), error(500), door=door) as (gateway, first, second):
        reply = await ask(gateway.port, request(family, streamed))
    assert reply.status == 502
    assert reply.headers["x-should-retry"] == "false"
    assert "retry-after" not in reply.headers
    assert "scripted" in reply.json["error"]["message"]
    assert (reply.json.get("type") == "error") == (family == "messages")
    assert len(first.calls) + len(second.calls) == int(reply.headers["x-cloverleaf-attempts"]) <= 6


@pytest.mark.parametrize("status", [429, 503])
async def test_when_a_place_says_when_to_come_back_the_client_is_told(door: str, status: int) -> None:
    script = error(status, "retry-after: 30")
    async with two(script, script, door=door) as (gateway, _, _):
        reply = await ask(gateway.port, chat())
    assert (reply.status, reply.headers["retry-after"]) == (status, "30")
    assert "x-should-retry" not in reply.headers


async def test_silence_everywhere_ends_in_bounded_time(door: str) -> None:
    async with two(silent, silent, door=door) as (gateway, first, second):
        reply = await ask(gateway.port, chat(stream=True))
        await until(lambda: first.calls[0].left.is_set() and second.calls[0].left.is_set())
    assert (reply.status, reply.json["error"]["code"]) == (504, "first_token_timeout")
    assert (len(first.calls), len(second.calls)) == (1, 1)


async def test_the_deadline_covers_every_attempt(door: str) -> None:
    more = "    timeouts: {total: 400ms}\n"
    async with upstream(silent) as up:
        text = f"""
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{up.url}", native: [messages, responses]}}}}
models:
  m:
    deployments: [d]
{more}
"""
        async with running(text, door) as gateway:
            reply = await ask(gateway.port, chat())
    assert (reply.status, reply.json["error"]["code"]) == (504, "deadline_exceeded")


# After the commit


async def goes_silent(call: Call) -> None:
    await begin(call)
    await call.chunk(ROLE + TEXT)
    await call.left.wait()


BROKEN: dict[str, tuple[Script, str]] = {
    "cut": (stream(ROLE, TEXT, end=False), "broken_stream"),
    "half-an-event": (stream(ROLE, TEXT, b'data: {"choices": [{"ind', end=False), "broken_stream"),
    "clean-end": (stream(ROLE, TEXT), "broken_stream"),
    "done-without-a-finish": (stream(ROLE, TEXT, DONE), "broken_stream"),
    "error": (stream(ROLE, TEXT, IN_BAND, FINISH, DONE), "upstream_error"),
    "error-in-the-same-packet": (stream(ROLE + TEXT + IN_BAND + DONE), "upstream_error"),
    "silence": (goes_silent, "stream_idle"),
}


@pytest.mark.parametrize("how", BROKEN)
async def test_a_committed_stream_that_breaks_ends_in_an_error_and_no_done(door: str, how: str) -> None:
    script, code = BROKEN[how]
    async with two(script, whole(ANSWER), door=door) as (gateway, _, second):
        reply = await ask(gateway.port, chat(stream=True))
        line = gateway.requests()[0]
    assert reply.status == 200 and reply.whole
    assert reply.body.startswith(ROLE + TEXT + b'data: {"error":') and b"[DONE]" not in reply.body
    assert msgspec.json.decode(reply.body.removeprefix(ROLE + TEXT + b"data: "))["error"]["code"] == code
    assert line["failure"].lower() in (code, "server_error")
    assert second.calls == []


@pytest.mark.parametrize("family", ["responses", "messages"])
async def test_a_committed_typed_stream_that_breaks_ends_in_its_own_kind_of_error(door: str, family: str) -> None:
    events = FAMILIES[family][1]
    assert events is not None
    async with two(stream(*events[:2], end=False), whole(ANSWER), door=door) as (gateway, _, _):
        reply = await ask(gateway.port, request(family, True))
    rest = reply.body.removeprefix(b"".join(events[:2]))
    assert rest.startswith(b"event: error\ndata: ")
    assert msgspec.json.decode(rest.partition(b"data: ")[2])["type"] == "error"


async def test_binary_that_breaks_is_cut_off(door: str) -> None:
    script = stream(b"sound", end=False, content_type="audio/mpeg")
    async with two(script, whole(ANSWER), door=door) as (gateway, _, _), connected(gateway.port) as client:
        client.send(post("/v1/audio/speech", b'{"model": "m", "input": "x"}'))
        assert (await client.head()).status == 200
        with pytest.raises((asyncio.IncompleteReadError, ConnectionError)):
            await client.rest()
