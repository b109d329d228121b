"""The public port over real sockets, against bent requests: every answer is whole and no 5xx, every refusal has a word
to people, nobody is kept waiting, and nothing is left under way."""

import asyncio
import socket
from collections.abc import AsyncIterator
from random import Random

import msgspec
import pytest

from backends.contract.families import FAMILIES
from tests.contracts.client import ask, chat, connected, get, post
from tests.contracts.families import BLOCK, COMPLETED, CREATED, DELTA, DONE, FINISH, MESSAGE, ROLE, STOP, TEXT
from tests.contracts.scripted import ANSWER, Call, stream, upstream, whole
from tests.contracts.serving import Running, running, single, until
from tests.fuzz import samples
from tests.fuzz.conftest import Rounds
from tests.fuzz.inputs import bent, pieces

BATCH = 100
NOT_OURS = {200, 204}
CHUNKS = stream(ROLE, TEXT, FINISH, DONE)
STREAMS = {
    "/v1/chat/completions": CHUNKS,
    "/v1/completions": CHUNKS,
    "/v1/responses": stream(CREATED, DELTA, COMPLETED),
    "/v1/messages": stream(MESSAGE, BLOCK, STOP),
}


class Asked(msgspec.Struct):
    stream: bool | None = None


async def answers_well(call: Call) -> None:
    """A stream where one was asked for, sound where sound is."""
    streamed = False
    try:
        streamed = bool(msgspec.json.decode(call.body, type=Asked).stream)
    except (msgspec.DecodeError, UnicodeDecodeError):  # a form
        pass
    if call.target == "/v1/audio/speech":
        await whole(b"sound", content_type="audio/mpeg")(call)
    elif streamed and call.target in STREAMS:
        await STREAMS[call.target](call)
    else:
        await whole(ANSWER)(call)


@pytest.fixture
async def gateway() -> AsyncIterator[Running]:
    async with upstream(answers_well) as up, running(single(up.url)) as made:
        yield made
        await until(lambda: not made.gateway.journeys)
        assert [line for line in made.log.getvalue().splitlines() if '"defect"' in line] == []


def replies(data: bytes) -> list[tuple[int, bytes]]:
    """Statuses and bodies of the answers on one connection; a last one that is under way is left out."""
    found = []
    while b"\r\n\r\n" in data:
        head, _, data = data.partition(b"\r\n\r\n")
        status = int(head.split(b" ")[1])
        lines = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
        if b"transfer-encoding" in lines:
            body, _, data = data.partition(b"0\r\n\r\n")
        else:
            size = int(lines.get(b"content-length", b"0"))
            body, data = data[:size], data[size:]
        if status != 100:
            found.append((status, body))
    return found


def judge(status: int, body: bytes, about: object) -> None:
    assert status < 500, about
    if status not in NOT_OURS and body:  # an answer to HEAD has none
        error = msgspec.json.decode(body)["error"]
        assert isinstance(error["message"], str) and len(error["message"]) > 5, about


async def quiet(gateway: Running) -> None:
    """What was sent before has been read, and what could be answered was."""
    for _ in range(2):
        assert (await ask(gateway.port, chat())).status == 200
        assert (await ask(gateway.port, get("/v1/models"))).status == 200
    await until(lambda: not any(load.in_flight for load in gateway.app.live.endpoints.loads.values()))


def received(raw: socket.socket) -> bytes:
    data = b""
    try:
        while part := raw.recv(2**20):
            data += part
    except (BlockingIOError, ConnectionError):
        pass
    return data


async def batch(gateway: Running, inputs: list[list[bytes]]) -> None:
    """Each input on a connection of its own, in its packets."""
    loop = asyncio.get_running_loop()
    raws = []
    try:
        for parts in inputs:
            raw = socket.socket()
            raws.append(raw)
            raw.setblocking(False)
            await loop.sock_connect(raw, ("127.0.0.1", gateway.port))
            for part in parts:
                try:
                    await loop.sock_sendall(raw, part)
                except ConnectionError:  # it was refused before its end
                    break
        await quiet(gateway)
        for raw, parts in zip(raws, inputs, strict=True):
            for status, body in replies(received(raw)):
                judge(status, body, parts)
    finally:
        for raw in raws:
            raw.close()


async def test_bent_requests(gateway: Running, rounds: Rounds) -> None:
    """Whatever the bytes are."""
    inputs = []
    for random in rounds(10_000):
        end = random.choice((b"", b"\r\n\r\n", get("/v1/models")))
        inputs.append(pieces(random, bent(random, samples.REQUESTS) + end))
        if len(inputs) == BATCH:
            await batch(gateway, inputs)
            inputs.clear()
    await batch(gateway, inputs)


async def test_bent_bodies(gateway: Running, rounds: Rounds) -> None:
    """Well-framed requests of every family with bodies that are not: each gets its one answer."""
    async with connected(gateway.port) as client:
        for random in rounds(10_000):
            request = bent_body(random)
            reply = await client.ask(request)
            assert reply.whole
            judge(reply.status, reply.body, request)


def bent_body(random: Random) -> bytes:
    family = random.choice(FAMILIES)
    path = random.choice(family.paths)
    if family.form:
        return post(path, bent(random, samples.FORMS), f"content-type: {samples.FORM_TYPE.decode()}")
    return post(path, bent(random, samples.BODIES + samples.STEERED))


async def test_bent_headers(gateway: Running, rounds: Rounds) -> None:
    """Header values of any bytes that HTTP allows."""
    names = ("x-request-id", "content-type", "origin", "host", "authorization", "expect", "traceparent", "cookie")
    visible = bytes([9, *range(32, 127), *range(128, 256)])
    values = (b"application/json", b"multipart/form-data; boundary=bound", b"Bearer sk-a", b"127.0.0.1:80", b"a.b")
    async with connected(gateway.port) as client:
        for random in rounds(5_000):
            value = bytes(byte for byte in bent(random, values, most=3)[:2000] if byte in visible).decode("latin-1")
            request = chat("m", f"{random.choice(names)}: {value}")
            reply = await client.ask(request)
            if reply.status == 100:
                reply = await client.reply()
            assert reply.whole
            judge(reply.status, reply.body, request)
