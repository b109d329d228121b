"""Request smuggling. Rule: what two servers could read differently is refused and the connection closed; the rest is
read as every server reads it. Nothing that hides behind a request reaches an upstream."""

import asyncio

import msgspec
import pytest

from tests.contracts.client import ask, chat, connected
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import LIMIT, Running, running, single
from tests.hostile.shapes import BODY, SHAPES

SERVED_ELSEWHERE = {"no-version"}  # uvicorn's own protocol, which does not stand at the public port, reads these


async def talk(gateway: Running, data: bytes) -> bytes:
    """All that is answered until the connection closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    try:
        writer.write(data)
        async with asyncio.timeout(LIMIT):
            return await reader.read()
    except ConnectionError:  # reset: what was on its way is lost
        return b""
    finally:
        writer.transport.abort()


def statuses(data: bytes) -> list[int]:
    return [int(line.split(b" ")[1]) for line in data.split(b"\r\n") if line.startswith(b"HTTP/1.")]


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if not shape.read])
async def test_what_could_be_read_in_two_ways_is_refused(door: str, name: str) -> None:
    if door == "litestar" and name in SERVED_ELSEWHERE:
        return
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door) as gateway:
        answer = await talk(gateway, SHAPES[name].data)
        assert up.calls == []
        assert not gateway.gateway.journeys
        assert (await ask(gateway.port, chat())).status == 200
    found = statuses(answer)
    if door == "hot":
        assert found in ([400], [404], [413])
        assert msgspec.json.decode(answer.rpartition(b"\r\n\r\n")[2])["error"]["message"]
    else:
        assert found in ([], [400], [404], [413])


@pytest.mark.parametrize("name", [name for name, shape in SHAPES.items() if shape.read])
async def test_what_everybody_reads_alike_is_served(door: str, name: str) -> None:
    shape = SHAPES[name]
    async with (
        upstream(whole(ANSWER)) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        reply = await client.ask(shape.data)
        assert (reply.status, reply.body) == (200, ANSWER)
        if shape.closes:
            assert await client.closed()
        else:
            assert (await client.ask(chat())).status == 200
    assert [call.body for call in up.calls][:1] == [BODY.replace(b'"m"', b'"upstream-m"')]
    assert len(up.calls) == 2 - shape.closes
    if door == "hot":  # uvicorn by itself takes trailers for headers
        assert up.calls[0].headers["x-request-id"] != "b"
