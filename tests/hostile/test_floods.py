"""Floods and idlers. Rule: whoever sends without end is cut off, whoever sends nothing costs nothing, and others are
served all the while."""

import asyncio
import resource
import socket
import sys
from asyncio.subprocess import PIPE

import pytest

from gateway.server.bad_connection import MAX_FRAMING, MAX_HEAD
from gateway.server.serve import close_idle
from tests.contracts.client import ask, chat, connected, post
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import LIMIT, running, single, until

CHUNKED = post("/v1/chat/completions", b"", "transfer-encoding: chunked")
LINE = b"x-filler: " + b"a" * 1000 + b"\r\n"
LONG_AGO = 0.001  # of the machine's uptime
FLOODS = {  # what comes first, what comes without end, and how much of it may be read
    "headers": (b"POST /v1/chat/completions HTTP/1.1\r\n", LINE, MAX_HEAD),
    "one-header": (b"POST /v1/chat/completions HTTP/1.1\r\nx-a: ", b"a" * 1000, MAX_HEAD),
    "a-target": (b"POST /", b"a" * 1000, MAX_HEAD),
    "trailers": (CHUNKED + b"2\r\n{}\r\n0\r\n", LINE, MAX_FRAMING),
    "one-trailer": (CHUNKED + b"2\r\n{}\r\n0\r\nx-a: ", b"a" * 1000, MAX_FRAMING),
    "a-chunk-extension": (CHUNKED + b"2;", b"a" * 1000, MAX_FRAMING),
    "empty-lines": (b"", b"\r\n" * 1000, MAX_FRAMING),
}


@pytest.mark.parametrize("name", FLOODS)
async def test_what_has_no_end_is_cut_off(name: str) -> None:
    first, piece, limit = FLOODS[name]
    async with upstream(whole(ANSWER)) as up, running(single(up.url)) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(first)
        refused = asyncio.ensure_future(reader.readuntil(b"\r\n\r\n"))
        sent = 0
        try:
            async with asyncio.timeout(LIMIT):
                while not refused.done():
                    writer.write(piece * 64)
                    sent += len(piece) * 64
                    await writer.drain()
                    await asyncio.sleep(0)
            assert (await refused).split(b" ")[1] in (b"400", b"413", b"431")
        finally:
            writer.transport.abort()
        assert sent < limit + 32_000_000  # what the sockets hold, and what was on its way
        assert (await ask(gateway.port, chat())).status == 200
    assert len(up.calls) == 1


async def test_a_slow_loris_is_let_go_and_keeps_nobody_waiting() -> None:
    async with upstream(whole(ANSWER)) as up, running(single(up.url)) as gateway:
        async with connected(gateway.port) as head, connected(gateway.port) as body, connected(gateway.port) as patient:
            head.send(b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1\r\nx-slow: ")
            body.send(chat()[:-5])
            assert (await patient.ask(chat())).status == 200
            connections = gateway.listener.server_state.connections
            await until(lambda: len(connections) == 3 and len(gateway.gateway.journeys) == 1)
            for each in connections:
                each.idle_since = LONG_AGO
            close_idle(gateway.listener)
            assert await head.closed() and await body.closed() and await patient.closed()
            await until(lambda: not gateway.gateway.journeys)
        assert (await ask(gateway.port, chat())).status == 200


async def test_a_client_that_shuts_its_sending_side_down_is_as_good_as_gone(door: str) -> None:
    """Half a request, then a half-closed socket: nothing is kept for it."""
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door) as gateway:
        for part in (b"", b"POST /v1/ch", chat()[:-5]):
            raw = socket.create_connection(("127.0.0.1", gateway.port))
            raw.sendall(part)
            raw.shutdown(socket.SHUT_WR)
            raw.setblocking(False)
            async with asyncio.timeout(LIMIT):
                while await asyncio.get_running_loop().sock_recv(raw, 65536):
                    pass
            raw.close()
        await until(lambda: not gateway.listener.server_state.connections and not gateway.gateway.journeys)
        assert (await ask(gateway.port, chat())).status == 200
    assert len(up.calls) == 1


IDLERS = """
import resource, socket, sys
port, count = map(int, sys.argv[1:])
resource.setrlimit(resource.RLIMIT_NOFILE, (count + 100, resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
idle = []
for number in range(count):
    idle.append(socket.create_connection(("127.0.0.1", port)))
    if number % 3 == 0:
        idle[-1].sendall(b"POST /v1/chat/completions HTTP/1.1\\r\\n")
print("there", flush=True)
sys.stdin.read()
"""


async def test_ten_thousand_idle_connections_cost_nobody_anything() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    count = min(10_000, most - 500)  # their other ends are in a process of their own
    assert count >= 1000, "too few file descriptors to tell"
    async with upstream(whole(ANSWER)) as up, running(single(up.url)) as gateway:
        asked = [sys.executable, "-c", IDLERS, str(gateway.port), str(count)]
        idlers = await asyncio.create_subprocess_exec(*asked, stdin=PIPE, stdout=PIPE)
        try:
            assert idlers.stdout is not None
            async with asyncio.timeout(4 * LIMIT):
                assert await idlers.stdout.readline() == b"there\n"
            connections = gateway.listener.server_state.connections
            await until(lambda: len(connections) == count)
            for _ in range(100):
                assert (await ask(gateway.port, chat())).status == 200
            for each in connections:
                each.idle_since = LONG_AGO
            close_idle(gateway.listener)
            await until(lambda: not connections)
        finally:
            idlers.kill()
            await idlers.wait()
        assert (await ask(gateway.port, chat())).status == 200
