"""Failover. Rule: until the client holds content another place may answer; after that a failure is never a clean end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tests.contracts.client import Reply, ask, chat, connected, post
from tests.contracts.scripted import (
    ANSWER,
    Call,
    Script,
    Upstream,
    begin,
    error,
    reset,
    silent,
    stream,
    upstream,
    whole,
)
from tests.contracts.serving import Running, running, until

ROLE = b'data: {"choices": [{"index": 0, "delta": {"role": "assistant", "content": ""}}]}\n\n'
TEXT = b'data: {"choices": [{"index": 0, "delta": {"content": "yes"}}]}\n\n'
FINISH = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
DONE = b"data: [DONE]\n\n"
IN_BAND = b'data: {"error": {"message": "engine died", "type": "InternalServerError", "code": 500}}\n\n'


def event(kind: str, **fields: object) -> bytes:
    return b"event: %b\ndata: %b\n\n" % (kind.encode(), msgspec.json.encode({"type": kind, **fields}))


CREATED = event("response.created", response={"id": "r"})
DELTA = event("response.output_text.delta", delta="yes")
COMPLETED = event("response.completed", response={"id": "r"})
MESSAGE = event("message_start", message={"id": "m", "usage": {"input_tokens": 1, "output_tokens": 0}})
BLOCK = event("content_block_delta", index=0, delta={"type": "text_delta", "text": "yes"})
STOP = event("message_stop")
# Family -> path, and the streams it answers in; None: it does not stream.
FAMILIES = {
    "chat": ("/v1/chat/completions", [ROLE, TEXT, FINISH, DONE]),
    "completions": ("/v1/completions", [b'data: {"choices": [{"text": "yes", "finish_reason": "stop"}]}\n\n', DONE]),
    "responses": ("/v1/responses", [CREATED, DELTA, COMPLETED]),
    "messages": ("/v1/messages", [MESSAGE, BLOCK, STOP]),
    "embeddings": ("/v1/embeddings", None),
}
CASES = [(f, s) for f, (_, events) in FAMILIES.items() for s in (False, True) if events or not s]


@asynccontextmanager
async def two(
    first: Script, second: Script, more: str = "", door: str = "hot"
) -> AsyncIterator[tuple[Running, Upstream, Upstream]]:
    """A gateway before a first upstream and one to fall back on."""
    async with upstream(first) as a, upstream(second) as b:
        text = f"""
defaults:
  timeouts: {{ttft: 300ms, response: 300ms, stream_idle: 300ms}}
  retry: {{base: 20ms}}
deployments:
  first: {{provider: openai_compatible, model: m, base_url: "{a.url}", api_key: a}}
  second: {{provider: openai_compatible, model: m, base_url: "{b.url}", api_key: b}}
models: {{m: {{deployments: [first, second]}}}}
{more}
"""
        async with running(text, door) as gateway:
            yield gateway, a, b


def request(family: str, streamed: bool) -> bytes:
    return post(
        FAMILIES[family][0], msgspec.json.encode({"model": "m", "stream": streamed, "input": "x", "messages": []})
    )


def good(family: str, streamed: bool) -> tuple[Script, bytes]:
    """A script that answers well, and the body that it makes."""
    events = FAMILIES[family][1]
    if not streamed or events is None:
        return whole(ANSWER), ANSWER
    return stream(*events), b"".join(events)


def typed_error(family: str) -> Script:
    events = FAMILIES[family][1]
    if family == "responses":
        return stream(
            CREATED, event("response.failed", response={"error": {"message": "died", "code": "server_error"}})
        )
    if family == "messages":
        return stream(MESSAGE, event("error", error={"type": "api_error", "message": "died"}))
    assert events is not None
    return stream(ROLE, IN_BAND)


FAULTS: dict[str, Script] = {
    "500": error(500),
    "503": error(503),
    "529": error(529),
    "429": error(429),
    "429-later": error(429, "retry-after: 60"),
    "401": error(401),
    "404": error(404),
    "reset": reset,
    "silent": silent,
    "not-json": whole(b"<html>bad gateway</html>", content_type="text/html"),
    "empty": whole(b""),
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize(("family", "streamed"), CASES)
async def test_the_next_place_answers_what_the_first_could_not(family: str, streamed: bool, fault: str) -> None:
    script, body = good(family, streamed)
    async with two(FAULTS[fault], script) as (gateway, first, second):
        reply = await ask(gateway.port, request(family, streamed))
    assert (reply.status, reply.body) == (200, body)
    assert reply.headers["x-cloverleaf-deployment"] == "second"
    assert int(reply.headers["x-cloverleaf-attempts"]) == len(first.calls) + 1 <= 3
    assert len(second.calls) == 1


@pytest.mark.parametrize("family", ["chat", "responses", "messages"])
@pytest.mark.parametrize("how", ["error", "cut", "silent"])
async def test_a_stream_that_fails_before_its_first_content_is_answered_elsewhere(
    door: str, family: str, how: str
) -> None:
    events = FAMILIES[family][1]
    assert events is not None

    async def goes_silent(call: Call) -> None:
        await begin(call)
        await call.chunk(events[0])
        await call.left.wait()

    scripts = {"error": typed_error(family), "cut": stream(events[0], end=False), "silent": goes_silent}
    script, body = good(family, True)
    async with two(scripts[how], script, door=door) as (gateway, first, _):
        reply = await ask(gateway.port, request(family, True))
    assert (reply.status, reply.body) == (200, body)
    assert int(reply.headers["x-cloverleaf-attempts"]) == len(first.calls) + 1


async def test_an_endpoint_that_refuses_connections_is_passed_over() -> None:
    async with upstream(whole(ANSWER)) as gone:
        pass
    async with two(silent, whole(ANSWER)) as (gateway, _, second):
        text = f"""
deployments:
  first: {{provider: openai_compatible, model: m, base_url: "{gone.url}"}}
  second: {{provider: openai_compatible, model: m, base_url: "{second.url}"}}
models: {{m: {{deployments: [first, second]}}}}
"""
        async with running(text) as gateway:
            reply = await ask(gateway.port, chat())
    assert (reply.status, reply.headers["x-cloverleaf-attempts"]) == (200, "2")


async def test_a_short_rate_limit_is_waited_out() -> None:
    async with upstream(error(429, "retry-after-ms: 50"), whole(ANSWER)) as up:
        text = f"""
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{up.url}"}}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text) as gateway:
            reply = await ask(gateway.port, chat())
    assert (reply.status, reply.headers["x-cloverleaf-attempts"]) == (200, "2")


async def test_another_model_answers_when_every_deployment_failed() -> None:
    more = "  spare: {deployments: [second]}\n"
    async with upstream(error(500)) as a, upstream(whole(ANSWER)) as b:
        text = f"""
deployments:
  first: {{provider: openai_compatible, model: m, base_url: "{a.url}"}}
  second: {{provider: openai_compatible, model: m, base_url: "{b.url}"}}
models:
  m: {{deployments: [first], fallbacks: [spare]}}
{more}
"""
        async with running(text) as gateway:
            reply = await ask(gateway.port, chat())
    assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "second")


@pytest.mark.parametrize("status", [400, 422])
async def test_a_fault_of_the_client_is_asked_of_nobody_else(status: int) -> None:
    async with two(error(status, message="bad field"), whole(ANSWER)) as (gateway, first, second):
        reply = await ask(gateway.port, chat())
    assert (reply.status, reply.json["error"]["message"]) == (status, "bad field")
    assert (len(first.calls), len(second.calls)) == (1, 0)


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
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{up.url}"}}}}
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


async def test_a_whole_answer_that_is_cut_is_asked_for_again() -> None:
    async def half(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
        call.cut()

    async with two(half, whole(ANSWER)) as (gateway, _, _):
        reply: Reply = await ask(gateway.port, chat())
    assert (reply.status, reply.body) == (200, ANSWER)
