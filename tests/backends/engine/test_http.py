"""The wire: keep-alive, pipelining, splits, slow readers, clients that leave."""

import asyncio

import msgspec
import pytest

from .conftest import Gauge, Serve, Wire


def post(path: str, body: object, *headers: str) -> bytes:
    data = msgspec.json.encode(body)
    lines = [f"POST {path} HTTP/1.1", "host: engine", f"content-length: {len(data)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + data


def chat(**more: object) -> bytes:
    return post("/v1/chat/completions", {"messages": [{"role": "user", "content": "hi"}], "max_tokens": 3, **more})


async def answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """One answer with a length."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = int(head.split(b"content-length: ")[1].split(b"\r\n")[0])
    return int(head.split(b" ")[1]), await reader.readexactly(length)


async def test_a_connection_serves_one_request_after_the_other(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    for _ in range(3):
        writer.write(chat())
        assert (await answer(reader))[0] == 200


async def test_pipelined_requests_are_answered_in_order(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    tokens = list(range(1, 41))
    writer.write(b"".join(chat(max_tokens=count) for count in tokens))
    usages = [msgspec.json.decode((await answer(reader))[1])["usage"] for _ in tokens]
    assert [usage["completion_tokens"] for usage in usages] == tokens


async def test_a_request_may_arrive_byte_by_byte(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    for byte in chat():
        writer.write(bytes([byte]))
        await writer.drain()
    assert (await answer(reader))[0] == 200


async def test_a_chunked_body_is_read(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    writer.write(b"POST /tokenize HTTP/1.1\r\nhost: e\r\ntransfer-encoding: chunked\r\n\r\n")
    for part in (b'{"prompt":', b'"abcd"}'):
        writer.write(b"%x\r\n%b\r\n" % (len(part), part))
    writer.write(b"0\r\n\r\n")
    assert msgspec.json.decode((await answer(reader))[1])["count"] == 1


async def test_a_client_that_asks_before_sending_is_told_to_go_on(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    request = post("/tokenize", {"prompt": "abcd"}, "expect: 100-continue")
    head, body = request.split(b"\r\n\r\n")
    writer.write(head + b"\r\n\r\n")
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    assert (await answer(reader))[0] == 200


async def test_a_connection_that_asks_to_be_closed_is_closed(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    writer.write(post("/tokenize", {"prompt": "x"}, "connection: close"))
    assert b"connection: close" in await reader.read()


async def test_http_1_0_gets_a_stream_without_chunks(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    writer.write(chat(stream=True).replace(b"HTTP/1.1", b"HTTP/1.0"))
    whole = await reader.read()
    assert b"transfer-encoding" not in whole
    assert whole.endswith(b"\n\ndata: [DONE]\n\n")


async def test_what_is_no_http_is_refused_and_closed(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    writer.write(b"what is this?\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.1 400 ")


async def test_an_offer_of_http_2_is_declined(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve())
    writer.write(b"GET /health HTTP/1.1\r\nhost: e\r\nconnection: upgrade, http2-settings\r\nupgrade: h2c\r\n\r\n")
    whole = await reader.read()
    assert whole.startswith(b"HTTP/1.1 200 ")
    assert b"connection: close" in whole


async def test_a_large_prompt_is_read_whole(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve(speed=1e6))
    writer.write(post("/v1/completions", {"prompt": "word " * 100_000, "max_tokens": 1}))
    status, body = await answer(reader)
    assert status == 200
    assert msgspec.json.decode(body)["usage"]["prompt_tokens"] == 125_000


async def test_a_slow_reader_loses_nothing(serve: Serve, connect: Wire) -> None:
    reader, writer = await connect(await serve(speed=1e6))
    writer.write(chat(stream=True, max_tokens=60_000, ignore_eos=True))
    await reader.readuntil(b"\r\n\r\n")
    writer.write(chat(max_tokens=1))  # answered only after all of the stream has left
    events = 0
    while b"[DONE]" not in (line := await reader.readline()):
        events += line.startswith(b"data: ")
    assert events == 60_001
    await reader.readuntil(b"0\r\n\r\n")
    assert (await answer(reader))[0] == 200


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize("abrupt", [True, False])
async def test_a_client_that_leaves_frees_the_engine(
    serve: Serve, connect: Wire, gauge: Gauge, stream: bool, abrupt: bool
) -> None:
    url = await serve(speed=1.0)
    _, writer = await connect(url)
    writer.write(chat(stream=stream, max_tokens=100_000, ignore_eos=True))
    while await gauge(url, "vllm:num_requests_running") == 0:
        pass
    assert await gauge(url, "vllm:kv_cache_usage_perc") > 0
    if abrupt:
        writer.transport.abort()
    else:
        writer.close()
    while await gauge(url, "vllm:num_requests_running") > 0:
        pass
    assert await gauge(url, "vllm:kv_cache_usage_perc") == 0
    labels = 'engine="0",model_name="demo"'
    assert await gauge(url, f'vllm:request_success_total{{{labels},finished_reason="abort"}}') == 1
