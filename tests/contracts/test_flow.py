"""The flow of bytes. Rule: the client sets the pace, and when it leaves everything done for it stops."""

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest

from backends.engine.server import Engine, EngineOptions
from tests.contracts.client import Client, chat, connected, post
from tests.contracts.scripted import EVENTS, Call, Script, begin, upstream, whole
from tests.contracts.serving import LIMIT, Running, running, single, until

FREED_WITHIN = 5.0  # seconds; the promise is one, the rest is the machine's
BLOCK = 100_000  # bytes of one event
BLOCKS = 640  # far more than the sockets' buffers hold
BUFFERED = 32_000_000  # bytes: what the kernel may hold on both sides (4 x 6 MB), and some
FINISH = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\ndata: [DONE]\n\n'


def event(number: int) -> bytes:
    text = b"%08d" % number + b"x" * (BLOCK - 70)
    return b'data: {"choices": [{"index": 0, "delta": {"content": "%b"}}]}\n\n' % text


async def torrent(call: Call) -> None:
    """A stream that comes as fast as it is read."""
    await begin(call)
    for number in range(BLOCKS):
        await call.chunk(event(number))
    await call.chunk(FINISH)
    await call.send(b"0\r\n\r\n")


async def stalled(call: Call) -> int:
    """Bytes sent when no more go in a thousand turns of the loop: all but the kernel runs in it."""
    sent, turns = -1, 0
    while turns < 1000:
        turns = turns + 1 if call.sent == sent else 0
        sent = call.sent
        await asyncio.sleep(0)
    return sent


def idle(gateway: Running) -> bool:
    """Nothing is counted as under way, anywhere."""
    live = gateway.app.live
    counts = [load.in_flight + load.in_flight_tokens for load in live.loads.values()]
    return not any(counts) and not any(pool.in_flight for pool in live.pools.values()) and not gateway.gateway.journeys


def ends(gateway: Running) -> list[tuple[object, object]]:
    return [(line["status"], line.get("failure")) for line in gateway.requests()]


async def test_a_client_that_stops_reading_stops_the_upstream_and_then_gets_every_byte(door: str) -> None:
    async with (
        upstream(torrent) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        client.send(chat(stream=True))
        await client.head()
        assert await stalled(up.calls[0]) < BUFFERED
        assert await client.rest() == b"".join(map(event, range(BLOCKS))) + FINISH
        await until(lambda: idle(gateway))


async def test_answers_that_are_not_read_keep_the_next_request_waiting() -> None:
    """Pipelined behind a large answer; in Litestar's door it is uvicorn that waits."""
    large = whole(b'{"choices": ["%b"]}' % (b"x" * 30_000_000))
    async with (
        upstream(large, torrent) as up,
        running(single(up.url)) as gateway,
        connected(gateway.port) as client,
    ):
        client.send(chat() + chat(stream=True))
        await until(lambda: up.calls)
        await stalled(up.calls[0])
        assert len(up.calls) == 1
        client.send(chat(stream=True))
        assert (await client.reply()).status == 200
        assert (await client.reply()).body.endswith(FINISH)
        assert (await client.reply()).body.endswith(FINISH)


async def test_a_request_that_comes_after_an_unread_answer_waits_too() -> None:
    large = whole(b'{"choices": ["%b"]}' % (b"x" * 30_000_000))
    async with (
        upstream(large, torrent) as up,
        running(single(up.url)) as gateway,
        connected(gateway.port) as client,
    ):
        client.send(chat())
        await until(lambda: up.calls and idle(gateway))
        client.send(chat(stream=True))
        await until(lambda: gateway.gateway.journeys)
        assert len(up.calls) == 1
        assert (await client.reply()).status == 200
        assert (await client.reply()).body.endswith(FINISH)


# Leaving


@pytest.fixture
async def slow() -> AsyncIterator[str]:
    """An engine that takes seconds to its first token and minutes to its last."""
    engine = Engine(EngineOptions(model="m", speed=0.05))
    yield await engine.start()
    await engine.stop()


def pool(url: str) -> str:
    return f"""
deployments: {{d: {{provider: vllm, model: m, endpoints: ["{url}"]}}}}
models: {{m: {{deployments: [d]}}}}
"""


async def at_work(engine: str, count: int, limit: float = LIMIT) -> None:
    """Wait until the engine runs that many requests."""
    async with httpx.AsyncClient() as http, asyncio.timeout(limit):
        while (await http.get(f"{engine}/load")).json()["server_load"] != count:
            await asyncio.sleep(0.01)


async def begun(client: Client, engine: str, request: bytes) -> None:
    client.send(request)
    await at_work(engine, 1)


@pytest.mark.parametrize("stream", [True, False], ids=["before-the-first-token", "whole"])
async def test_a_client_that_leaves_while_it_waits_frees_the_engine(door: str, slow: str, stream: bool) -> None:
    async with running(pool(slow), door) as gateway:
        async with connected(gateway.port) as client:
            await begun(client, slow, chat(stream=stream, max_tokens=4000))
        await at_work(slow, 0, FREED_WITHIN)
        await until(lambda: idle(gateway))
        assert ends(gateway) == [(499, "CANCELLED")]


async def test_a_client_that_leaves_its_stream_frees_the_engine(door: str, slow: str) -> None:
    async with running(pool(slow), door) as gateway:
        async with connected(gateway.port) as client:
            await begun(client, slow, chat(stream=True, max_tokens=4000))
            await client.head()
            await client.chunk()
        await at_work(slow, 0, FREED_WITHIN)
        await until(lambda: idle(gateway))
        assert ends(gateway) == [(499, "CANCELLED")]


async def test_clients_that_leave_at_once_free_everything(door: str, slow: str) -> None:
    async with running(pool(slow), door) as gateway:
        clients = [connected(gateway.port) for _ in range(20)]
        for number, each in enumerate(clients):
            client = await each.__aenter__()
            client.send(chat(stream=bool(number % 2), max_tokens=4000))
        await at_work(slow, 20)
        for each in clients:
            await each.__aexit__(None, None, None)
        await at_work(slow, 0, FREED_WITHIN)
        await until(lambda: idle(gateway))
        assert ends(gateway) == [(499, "CANCELLED")] * 20


async def test_a_client_that_leaves_its_upload_never_reaches_an_engine(door: str, slow: str) -> None:
    async with running(pool(slow), door) as gateway:
        async with connected(gateway.port) as client:
            client.send(chat(max_tokens=4000)[:-1])
            await until(lambda: gateway.gateway.journeys)
        await until(lambda: idle(gateway))
        assert ends(gateway) == [(499, "CANCELLED")]
        await at_work(slow, 0)


async def test_a_client_that_leaves_a_whole_answer_unread_is_recorded_once(door: str) -> None:
    large = whole(b'{"choices": ["%b"]}' % (b"x" * 30_000_000))
    async with upstream(large) as up, running(single(up.url), door) as gateway:
        async with connected(gateway.port) as client:
            client.send(chat())
            await client.head()
        await until(lambda: not gateway.listener.server_state.connections and not gateway.listener.server_state.tasks)
        assert ends(gateway) == [(200, None)]


async def test_pipelined_requests_of_a_client_that_left_are_not_begun(door: str, slow: str) -> None:
    async with running(pool(slow), door) as gateway:
        async with connected(gateway.port) as client:
            await begun(client, slow, chat(stream=True, max_tokens=4000) + chat(max_tokens=4000) * 3)
            await client.head()
        await at_work(slow, 0, FREED_WITHIN)
        await until(lambda: idle(gateway))


# Stopping


def held(go: asyncio.Event) -> Script:
    """A stream that ends when it is told to."""

    async def script(call: Call) -> None:
        await begin(call, EVENTS)
        await call.chunk(event(0))
        await go.wait()
        await call.chunk(FINISH)
        await call.send(b"0\r\n\r\n")

    return script


async def refused(port: int) -> bool:
    try:
        async with connected(port):
            return False
    except ConnectionRefusedError:
        return True


async def test_a_stopping_gateway_lets_a_stream_finish_and_takes_no_more(door: str) -> None:
    go = asyncio.Event()
    async with (
        upstream(held(go)) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as streams,
        connected(gateway.port) as waits,
    ):
        assert (await waits.ask(chat("unknown"))).status == 404
        streams.send(chat(stream=True))
        await streams.head()
        draining = asyncio.create_task(gateway.drain(LIMIT))
        assert await waits.closed()
        assert await refused(gateway.port)
        go.set()
        assert await streams.rest() == event(0) + FINISH
        assert await streams.closed()
        await draining
        assert ends(gateway) == [(404, None), (200, None)]


async def test_a_stream_that_outlasts_the_drain_is_told_so_in_band(door: str) -> None:
    async with (
        upstream(held(asyncio.Event())) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        client.send(chat(stream=True))
        await client.head()
        await gateway.drain(0.2)
        body = await client.rest()
        assert body.startswith(event(0))
        assert b'"error"' in body and b"[DONE]" not in body
        assert idle(gateway)


async def test_what_still_waits_for_its_answer_after_the_drain_is_503(door: str, slow: str) -> None:
    async with running(pool(slow), door) as gateway, connected(gateway.port) as client:
        await begun(client, slow, chat(max_tokens=4000))
        await gateway.drain(0.2)
        reply = await client.reply()
        assert (reply.status, reply.json["error"]["code"]) == (503, "stopping")
        assert int(reply.headers["retry-after"]) >= 1
        await at_work(slow, 0)


async def test_an_upload_that_never_ends_does_not_hold_up_the_end(door: str) -> None:
    async with running(single("http://127.0.0.1:9/v1"), door, drain=1.0) as gateway, connected(gateway.port) as client:
        client.send(post("/v1/chat/completions", b"{", "content-length: 100"))
        await until(lambda: gateway.gateway.journeys)
        await gateway.drain(0.2)
        assert idle(gateway)
