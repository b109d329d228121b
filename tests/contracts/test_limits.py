"""Limits. Rule: whoever asks for too much is told so in words it can read, and nobody else notices."""

import asyncio

import msgspec
import pytest

from gateway.server.bad_connection import MAX_HEAD
from tests.contracts.client import ask, chat, connected, post
from tests.contracts.scripted import Call, silent, upstream, whole
from tests.contracts.serving import running, until

ANSWER = b'{"object": "chat.completion", "choices": []}'
LIMIT = 2**20


def config(url: str, server: str = "", auth: str = "{}") -> str:
    return f"""
server: {{max_body: 1MiB, {server}}}
auth: {auth}
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{url}"}}}}
models: {{m: {{deployments: [d]}}}}
"""


def chunked(size: int, *lines: str) -> bytes:
    """A request whose body of that size comes in chunks that do not say how many there will be."""
    part = b"%x\r\n%b\r\n" % (10_000, b" " * 10_000)
    return (
        post("/v1/chat/completions", b"", "transfer-encoding: chunked", *lines) + part * (size // 10_000) + b"0\r\n\r\n"
    )


@pytest.mark.parametrize("framing", ["declared", "chunked"])
async def test_a_body_over_the_limit_is_413_and_the_client_can_read_it(door: str, framing: str) -> None:
    big = post("/v1/chat/completions", b" " * (20 * LIMIT)) if framing == "declared" else chunked(20 * LIMIT)
    async with upstream(whole(ANSWER)) as up, running(config(up.url), door) as gateway:
        async with connected(gateway.port) as client:
            client.send(big)  # far more than the sockets' buffers hold
            reply = await client.reply()
            await client.flush()
        assert (reply.status, reply.json["error"]["code"]) == (413, "request_too_large")
        assert (await ask(gateway.port, chat())).status == 200
    assert len(up.calls) == 1


async def test_a_body_of_exactly_the_limit_is_served(door: str) -> None:
    body = msgspec.json.encode({"model": "m", "messages": []})
    async with upstream(whole(ANSWER)) as up, running(config(up.url), door) as gateway:
        fits = await ask(gateway.port, post("/v1/chat/completions", body.ljust(LIMIT)))
        assert fits.status == 200
        assert (await ask(gateway.port, post("/v1/chat/completions", body.ljust(LIMIT + 1)))).status == 413


async def test_a_client_that_waits_for_100_is_told_413_instead(door: str) -> None:
    head, _, _ = post("/v1/chat/completions", b" " * (LIMIT + 1), "expect: 100-continue").partition(b" " * 100)
    async with (
        upstream(whole(ANSWER)) as up,
        running(config(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        assert (await client.ask(head)).status == 413


async def test_a_client_that_waits_for_100_gets_it(door: str) -> None:
    head, gap, body = chat("m", "expect: 100-continue").partition(b"\r\n\r\n")
    async with (
        upstream(whole(ANSWER)) as up,
        running(config(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        assert (await client.ask(head + gap)).status == 100
        assert (await client.ask(body)).status == 200


async def test_a_stranger_that_waits_for_100_is_told_401_without_sending_its_body() -> None:
    keys = "{keys: [{name: a, key: sk-a}]}"
    head, gap, _ = chat("m", "expect: 100-continue").partition(b"\r\n\r\n")
    async with running(config("http://127.0.0.1:9/v1", auth=keys)) as gateway, connected(gateway.port) as client:
        assert (await client.ask(head + gap)).status == 401


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models"])
@pytest.mark.parametrize("lines", [1, 500])
async def test_headers_over_the_limit_are_431_and_the_client_can_read_it(path: str, lines: int) -> None:
    """Uvicorn by itself sets no limit, so this is the hot door's alone, for everything that comes through it."""
    long = [f"x-filler-{i}: {'a' * (1_000_000 // lines)}" for i in range(lines)]
    async with running(config("http://127.0.0.1:9/v1")) as gateway, connected(gateway.port) as client:
        client.send(post(path, b"{}", *long))
        reply = await client.reply()
    assert (reply.status, reply.json["error"]["code"]) == (431, "headers_too_large")


async def test_headers_just_under_the_limit_are_served(door: str) -> None:
    async with upstream(whole(ANSWER)) as up, running(config(up.url), door) as gateway:
        assert (await ask(gateway.port, chat("m", f"x-filler: {'a' * (MAX_HEAD - 1000)}"))).status == 200


async def test_many_small_requests_in_a_large_packet_are_not_one_long_head(door: str) -> None:
    async with (
        upstream(whole(ANSWER)) as up,
        running(config(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        whole_ones = chat("unknown") * 1000
        client.send(whole_ones + chat()[:40])
        for _ in range(1000):
            assert (await client.reply()).status == 404
        assert (await client.ask(chat()[40:])).status == 200


async def test_what_is_not_http_is_400_and_the_connection_ends(door: str) -> None:
    async with running(config("http://127.0.0.1:9/v1"), door) as gateway, connected(gateway.port) as client:
        client.send(b"\x16\x03\x01 this is TLS, say\r\n\r\n")
        assert (await client.reply()).status == 400
        assert await client.closed()


async def test_one_request_too_many_is_429_until_another_is_done(door: str) -> None:
    go = asyncio.Event()

    async def held(call: Call) -> None:
        await go.wait()
        await whole(ANSWER)(call)

    async with upstream(held) as up, running(config(up.url, "max_concurrency: 2"), door) as gateway:
        async with connected(gateway.port) as one, connected(gateway.port) as two:
            one.send(chat())
            two.send(chat())
            await until(lambda: len(up.calls) == 2)
            refused = await ask(gateway.port, chat())
            assert (refused.status, refused.json["error"]["code"]) == (429, "concurrency_exceeded")
            assert int(refused.headers["retry-after"]) >= 1
            go.set()
            assert {(await one.reply()).status, (await two.reply()).status} == {200}
        assert (await ask(gateway.port, chat())).status == 200


async def test_strangers_that_never_finish_cannot_fill_the_place_up(door: str) -> None:
    keys = "{keys: [{name: a, key: sk-a}]}"
    started = chat("m", "x-api-key: wrong")[:-1]
    async with (
        upstream(whole(ANSWER)) as up,
        running(config(up.url, "max_concurrency: 1", keys), door) as gateway,
        connected(gateway.port) as one,
        connected(gateway.port) as two,
    ):
        one.send(started)
        two.send(started)
        await until(lambda: len(gateway.listener.server_state.connections) == 2)
        assert (await ask(gateway.port, chat("m", "x-api-key: sk-a"))).status == 200


async def test_a_deployment_at_its_own_limit_sheds(door: str) -> None:
    text = """
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{url}", max_concurrency: 1}}}}
models: {{m: {{deployments: [d]}}}}
server: {{max_queue: 0}}
"""
    async with (
        upstream(silent) as up,
        running(text.format(url=up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        client.send(chat())
        await until(lambda: up.calls)
        shed = await ask(gateway.port, chat())
    assert (shed.status, shed.json["error"]["code"]) == (429, "capacity_exceeded")
    assert shed.headers["retry-after"] == "1"


async def test_idle_since_tells_a_client_that_stalls_from_one_that_waits() -> None:
    """What the sweep of idle connections goes by: a client that stops in the middle of its request is idle too."""
    async with (
        upstream(silent) as up,
        running(config(up.url)) as gateway,
        connected(gateway.port) as stalls,
        connected(gateway.port) as waits,
    ):
        stalls.send(chat()[:-1])
        waits.send(chat())
        await until(lambda: up.calls and len(gateway.gateway.journeys) == 2)
        idle = sorted(each.idle_since for each in gateway.listener.server_state.connections)
    assert idle[0] == 0.0 < idle[1]
