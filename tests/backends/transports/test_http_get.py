"""Small fetches over the transport."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from backends.contract.adapter import Origin, Wire
from backends.contract.headers import headers
from backends.transports.http_get import FetchFailed, fetch
from backends.transports.pooled import Pooled
from policies.vocabulary.failure import Failure
from tests.scripted import Peer, Scripted, answers

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
LONG = 60.0  # seconds: a limit that is not the point


@pytest.fixture
async def pool() -> AsyncIterator[Pooled]:
    opened = Pooled()
    yield opened
    await opened.close()


def get(server: Scripted) -> Wire:
    return Wire(Origin("127.0.0.1", server.port, False), b"/health", headers(host="h"), method=b"GET")


async def silent(peer: Peer) -> None:
    await peer.hear()
    await peer.leaves()


@pytest.mark.parametrize("status", [200, 404, 503])
async def test_a_status_and_a_body_are_fetched(pool: Pooled, status: int) -> None:
    async with Scripted(answers(b"HTTP/1.1 %d X\r\ncontent-length: 2\r\n\r\nhi" % status)) as server:
        assert await fetch(pool, get(server), LONG) == (status, b"hi")
        assert server.peers[0].requests[0][0].startswith(b"GET /health HTTP/1.1\r\n")


async def test_a_refusal_says_why(pool: Pooled) -> None:
    async with Scripted(answers(OK)) as server:
        pass
    with pytest.raises(FetchFailed, match="cannot connect") as failed:
        await fetch(pool, get(server), LONG)
    assert failed.value.fault is not None and failed.value.fault.failure is Failure.UNREACHABLE


async def test_silence_is_no_fault_of_a_kind_and_closes_the_connection(pool: Pooled) -> None:
    async with Scripted(silent) as server:
        with pytest.raises(FetchFailed, match="no answer in time") as failed:
            await fetch(pool, get(server), 0.05)
        assert failed.value.fault is None
        if server.peers:
            await server.peers[0].gone.wait()


async def test_a_fetch_that_is_cancelled_closes_its_connection(pool: Pooled) -> None:
    heard = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.hear()
        heard.set()
        await peer.leaves()

    async with Scripted(script) as server:
        task = asyncio.ensure_future(fetch(pool, get(server), LONG))
        await heard.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await server.peers[0].gone.wait()
