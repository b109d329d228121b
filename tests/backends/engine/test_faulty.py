"""How an engine breaks, seen from a raw socket."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest

from backends.engine.faults import Fault

from .conftest import Gauge, Serve, Wire

MESSAGES = [{"role": "user", "content": "hi"}]


Ask = Callable[[str, bool], Awaitable[tuple[asyncio.StreamReader, asyncio.StreamWriter]]]


@pytest.fixture
def ask(connect: Wire) -> Ask:
    async def asked(url: str, stream: bool) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        reader, writer = await connect(url)
        body = msgspec.json.encode({"messages": MESSAGES, "stream": stream, "max_tokens": 9})
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: e\r\ncontent-length: {len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
        return reader, writer

    return asked


async def events(reader: asyncio.StreamReader) -> list[bytes]:
    """Every event until the connection ends, in whatever way."""
    found: list[bytes] = []
    while line := await reader.readline():
        if line.startswith(b"data: "):
            found.append(line.removeprefix(b"data: ").strip())
    return found


async def test_a_status_comes_with_its_body_and_headers(serve: Serve, ask: Ask) -> None:
    fault = Fault(kind="status", status=429, body={"error": {"message": "slow down"}}, headers={"retry-after": "1"})
    reader, _ = await ask(await serve(faults=(fault,)), False)
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert b"retry-after: 1\r\n" in head
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    assert await reader.readexactly(length) == b'{"error":{"message":"slow down"}}'


@pytest.mark.parametrize("stream", [True, False])
async def test_a_reset_before_any_byte(serve: Serve, ask: Ask, stream: bool) -> None:
    reader, _ = await ask(await serve(faults=(Fault(kind="reset"),)), stream)
    with pytest.raises(ConnectionResetError):
        await reader.readexactly(1)


async def test_a_reset_after_some_events(serve: Serve, ask: Ask, gauge: Gauge) -> None:
    url = await serve(faults=(Fault(kind="reset", after=3),), tokens_per_second=20)
    reader, _ = await ask(url, True)
    seen = 0
    with pytest.raises(ConnectionResetError):
        while line := await reader.readline():
            seen += line.startswith(b"data: ")
    assert seen <= 3  # a reset may overtake what was sent before it
    while await gauge(url, "vllm:num_requests_running") > 0:
        pass


async def test_a_cut_after_some_events_is_a_clean_end_without_terminator(serve: Serve, ask: Ask, gauge: Gauge) -> None:
    url = await serve(faults=(Fault(kind="cut", after=3),))
    reader, _ = await ask(url, True)
    found = await events(reader)
    assert len(found) == 3
    assert b"[DONE]" not in found
    assert await gauge(url, "vllm:num_requests_running") == 0


async def test_a_cut_before_any_byte(serve: Serve, ask: Ask) -> None:
    reader, _ = await ask(await serve(faults=(Fault(kind="cut"),)), True)
    assert await reader.read() == b""


@pytest.mark.parametrize("kind", ["cut", "reset"])
async def test_a_whole_answer_breaks_in_its_middle(serve: Serve, ask: Ask, kind: str) -> None:
    fault = msgspec.convert({"kind": kind, "after": 1}, Fault)
    reader, _ = await ask(await serve(faults=(fault,)), False)
    received = b""
    try:
        while data := await reader.read(65536):
            received += data
    except ConnectionResetError:
        assert kind == "reset"
    if kind == "cut":
        head, body = received.split(b"\r\n\r\n")
        assert 0 < len(body) < int(head.split(b"content-length: ")[1].split(b"\r\n")[0])


async def test_a_stall_keeps_the_socket_and_sends_no_more(serve: Serve, ask: Ask, gauge: Gauge) -> None:
    url = await serve(faults=(Fault(kind="stall", after=2),))
    reader, _ = await ask(url, True)
    for _ in range(2):
        await reader.readuntil(b"data: ")
    await reader.readuntil(b"\n\n")
    labels = 'engine="0",model_name="demo"'
    while await gauge(url, f'vllm:request_success_total{{{labels},finished_reason="length"}}') == 0:
        pass  # the answer was generated to its end
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readuntil(b"data: "), 0.05)
    assert not reader.at_eof()


async def test_a_stall_before_any_byte_holds_until_the_client_leaves(serve: Serve, ask: Ask, gauge: Gauge) -> None:
    url = await serve(faults=(Fault(kind="stall", times=1),))
    reader, _ = await ask(url, False)
    again, _ = await ask(url, False)
    assert (await again.readline()).startswith(b"HTTP/1.1 200")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(reader.readexactly(1), 0.05)


async def test_garbage_in_a_stream_is_one_malformed_event_among_good_ones(serve: Serve, ask: Ask) -> None:
    reader, _ = await ask(await serve(faults=(Fault(kind="garbage", after=2),)), True)
    found: list[bytes] = []
    while not found or found[-1] != b"[DONE]":
        line = await reader.readline()
        if line.startswith(b"data: "):
            found.append(line.removeprefix(b"data: ").strip())
    broken = []
    for index, event in enumerate(found[:-1]):
        try:
            msgspec.json.decode(event)
        except msgspec.DecodeError:
            broken.append(index)
    assert broken == [2]
    assert len(found) == 12  # the role, nine tokens, the garbage, the end


async def test_garbage_in_a_body_is_no_json(serve: Serve, ask: Ask) -> None:
    reader, _ = await ask(await serve(faults=(Fault(kind="garbage"),)), False)
    head = await reader.readuntil(b"\r\n\r\n")
    body = await reader.readexactly(int(head.split(b"content-length: ")[1].split(b"\r\n")[0]))
    assert head.startswith(b"HTTP/1.1 200")
    with pytest.raises(msgspec.DecodeError):
        msgspec.json.decode(body)


async def test_a_delay_holds_the_first_byte_and_then_all_is_well(serve: Serve, ask: Ask) -> None:
    loop = asyncio.get_running_loop()
    url = await serve(faults=(Fault(kind="delay", delay=0.2),))
    start = loop.time()
    reader, _ = await ask(url, False)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    assert loop.time() - start >= 0.19


async def test_a_client_that_leaves_during_a_delay_is_not_served(serve: Serve, ask: Ask, gauge: Gauge) -> None:
    url = await serve(faults=(Fault(kind="delay", delay=0.5),))
    _, writer = await ask(url, False)
    await writer.drain()
    writer.close()
    reader, _ = await ask(url, False)
    assert (await reader.readline()).startswith(b"HTTP/1.1 200")
    assert await gauge(url, "vllm:e2e_request_latency_seconds_count") == 1


async def test_a_fault_that_comes_after_the_end_changes_nothing(serve: Serve, ask: Ask) -> None:
    reader, _ = await ask(await serve(faults=(Fault(kind="cut", after=1000),)), True)
    await reader.readuntil(b"[DONE]")
    assert (await reader.readuntil(b"0\r\n\r\n")).endswith(b"0\r\n\r\n")
