"""Requests that begin like the one before. Rule: what a connection remembers of a head changes no answer."""

import asyncio
import hashlib
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from tests.contracts.client import Client, Reply, ask, chat, connected, get, post
from tests.contracts.scripted import ANSWER, Call, Upstream, upstream, whole
from tests.contracts.serving import Running, running, single, until

LIMITED = "server: {max_body: 4KiB}\nauth: {keys: [{name: a, key: sk-a}, {name: b, key: sk-b, models: [mini-m]}]}"
A, B, WRONG = (f"authorization: Bearer sk-{each}" for each in ("a", "b", "wrong"))
LONG = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "x" * 5000}]})
REQUESTS = (
    *(chat("m", A, user="u" * size) for size in (0, 1, 90, 900, 3000)),
    *(chat("m", A, "x-request-id: mine", user="u" * size) for size in (0, 90)),
    chat("m", WRONG),
    chat("m", B),
    chat("mini-m", B),
    chat("nobody", A),
    post("/v1/chat/completions", b"", A),
    post("/v1/chat/completions", b"{", A),
    post("/v1/embeddings", b'{"model":"m","input":"a"}', A),
    post("/v1/chat/completions", b"4\r\n{}  \r\n0\r\n\r\n", A, "transfer-encoding: chunked"),
    post("/v1/chat/completions", b'{"model":"m"}', A, "content-length:  13"),
    get("/v1/models"),
)


async def echo(call: Call) -> None:
    """An answer of its own for each body."""
    told = hashlib.sha256(call.body).hexdigest()[: 10 + len(call.body) % 50]
    await whole(ANSWER.replace(b"yes", told.encode()))(call)


def told(reply: Reply) -> tuple[int, bytes, str | None, str | None]:
    """What does not differ from one time to the next."""
    return reply.status, reply.body, reply.headers.get("connection"), reply.headers.get("x-cloverleaf-deployment")


async def send(client: Client, data: bytes, cuts: list[int]) -> None:
    for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True):
        client.send(data[start:end])
        await client.flush()
        await asyncio.sleep(0.002 if end < len(data) else 0)


@pytest.mark.parametrize("seed", range(8))
async def test_a_request_is_answered_alike_whatever_came_before_it(seed: int, door: str) -> None:
    draw = random.Random(seed)
    async with upstream(echo) as up, running(single(up.url, LIMITED), door) as gateway:
        alone = {request: told(await ask(gateway.port, request)) for request in REQUESTS}
        async with connected(gateway.port) as client:
            for _ in range(30):
                asked = draw.choices(
                    REQUESTS[: draw.choice([1, 3, 5, 7, len(REQUESTS)])], k=draw.choice([1, 1, 1, 2, 3])
                )
                data = b"".join(asked)
                cuts = sorted(draw.sample(range(1, len(data)), draw.choice([0, 0, 1, 2])))
                if draw.random() < 0.5 and len(asked) == 1:
                    cuts = [data.index(b"\r\n\r\n") + 4]  # as many clients do: the head, then the body
                await send(client, data, [cut for cut in cuts if cut < len(data)])
                assert [told(await client.reply()) for _ in asked] == [alone[each] for each in asked]


@asynccontextmanager
async def kept() -> AsyncIterator[tuple[Upstream, Running, Client]]:
    """The connection has been answered twice, so that it knows the head."""
    async with (
        upstream(echo) as up,
        running(single(up.url, LIMITED)) as gateway,
        connected(gateway.port) as client,
    ):
        for _ in range(2):
            assert (await client.ask(chat("m", A))).status == 200
        yield up, gateway, client


async def test_a_body_that_is_declared_too_large_is_refused_before_it_comes() -> None:
    async with kept() as (_, _, client):
        client.send(post("/v1/chat/completions", LONG, A)[:-4000])
        reply = await client.reply()
        assert (reply.status, reply.headers["connection"]) == (413, "close")


async def test_a_client_that_leaves_within_a_body_leaves_nothing_behind() -> None:
    async with kept() as (up, gateway, client):
        client.send(chat("m", A)[:-5])
        await until(lambda: gateway.gateway.journeys)
        client.leave()
        await until(lambda: not gateway.gateway.journeys)
        assert len(up.calls) == 2


async def test_a_request_that_is_stopped_within_its_body_is_told_once() -> None:
    async with kept() as (up, gateway, client):
        request = chat("m", A)
        client.send(request[:-5])
        await until(lambda: gateway.gateway.journeys)
        for journey in list(gateway.gateway.journeys):
            journey.stop()
        assert (await client.reply()).status == 503
        client.send(request[-5:])
        assert (await client.ask(request)).status == 200
        assert len(up.calls) == 3
