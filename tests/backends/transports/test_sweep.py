"""Idle connections are let go before their server would do it."""

import asyncio

from backends.transports.pooled import IDLE_PLAIN
from tests.backends.transports.client import Client
from tests.backends.transports.conftest import SkewedLoop
from tests.scripted import Scripted, answers

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


async def test_a_connection_idle_for_long_is_closed_and_one_lately_used_is_kept(client: Client) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkewedLoop)
    async with Scripted(answers(OK)) as old, Scripted(answers(OK)) as new:
        await client.ask(old)
        loop.skew += IDLE_PLAIN * 0.75
        await client.ask(new)
        loop.skew += IDLE_PLAIN * 0.75
        await old.peers[0].gone.wait()
        await client.ask(new)
        await client.ask(old)
        assert (len(new.peers), len(old.peers)) == (1, 2)
