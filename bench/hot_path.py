"""The hot path by itself. Rule: the gateway's own code between two sockets, without the sockets; best of many rounds.

    python -m bench.hot_path            # microseconds of the gateway's own work per request and per chunk

Sockets and the kernel are replaced by lists, so that the figure moves only when the code does. Not a comparison with
anything else: that is bench.run's.
"""

import asyncio
import gc
import tempfile
import time
from pathlib import Path

import msgspec
import uvicorn
import uvloop
from uvicorn.server import ServerState

from backends.contract.endpoint_address import address
from backends.transports.connection import Connection
from backends.transports.heads import Answers
from backends.transports.pooled import Pooled
from bench.wire import chat_body
from gateway.app import App
from gateway.config import load
from gateway.proxy.context import Gateway
from gateway.recording.log import Log
from gateway.server.fast_protocol import HotProtocol

ROUNDS = 300
REQUESTS = 20
CHUNKS = 200
UPSTREAM = "http://127.0.0.1:9"
WHOLE = (
    b"HTTP/1.1 200 OK\r\ndate: Mon, 23 Nov 2026 19:00:10 GMT\r\nserver: uvicorn\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%b"
)
STREAM = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\nserver: uvicorn\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)
HEAD = (
    b"POST /v1/chat/completions HTTP/1.1\r\nhost: 127.0.0.1:8080\r\naccept: application/json\r\n"
    b"authorization: Bearer bench-key\r\ncontent-type: application/json\r\nuser-agent: bench\r\n"
    b"content-length: %d\r\n\r\n"
)


class Wireless:
    """A transport that keeps what is written, and calls back."""

    def __init__(self, on_write: object = None) -> None:
        self.written: list[bytes] = []
        self.on_write = on_write

    def write(self, data: bytes) -> None:
        self.written.append(data)
        if callable(self.on_write):
            self.on_write()

    def get_extra_info(self, name: str) -> object:
        return ("127.0.0.1", 1) if name in ("peername", "sockname") else None

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def close(self) -> None: ...

    abort = pause_reading = resume_reading = close


def chunk(text: bytes, finish: bytes = b"null") -> bytes:
    event = (
        b'data: {"id":"chatcmpl-6f2a91c04be84d5c9d7e","object":"chat.completion.chunk","created":1700000000,'
        b'"model":"m","choices":[{"index":0,"delta":{"content":"%b"},"logprobs":null,"finish_reason":%b}]}\n\n'
    ) % (text, finish)
    return b"%x\r\n%b\r\n" % (len(event), event)


FIRST = STREAM + chunk(b"first")
LAST = chunk(b"", b'"stop"') + b"e\r\ndata: [DONE]\n\n\r\n0\r\n\r\n"


def answer() -> bytes:
    message = {"role": "assistant", "content": "word " * 80}
    usage = {"prompt_tokens": 256, "completion_tokens": 80, "total_tokens": 336}
    body = msgspec.json.encode(
        {"id": "chatcmpl-1", "object": "chat.completion", "choices": [{"index": 0, "message": message}], "usage": usage}
    )
    return WHOLE % (len(body), body)


async def no_app(scope: object, receive: object, send: object) -> None:
    """Nothing of the hot path is left to Litestar."""


class Bench:
    """One client connection, one upstream connection, and the gateway between."""

    def __init__(self, gateway: Gateway, pool: Pooled, upstream: str = UPSTREAM) -> None:
        config = uvicorn.Config(no_app, lifespan="off", interface="asgi3", log_config=None, access_log=False)
        self.client = HotProtocol(gateway, config=config, server_state=ServerState(), app_state={})
        self.down = Wireless()
        self.client.connection_made(self.down)  # type: ignore[arg-type]
        self.up = Wireless()
        self.upstream = Connection(Answers())
        self.upstream.connection_made(self.up)  # type: ignore[arg-type]
        pool.give(address(upstream)[0], self.upstream)

    async def requests(self, count: int, request: bytes, reply: bytes) -> float:
        """Seconds each, one after another; each step follows the one before in the loop's next turn."""
        loop = asyncio.get_running_loop()
        done = loop.create_future()
        left = count

        def answered() -> None:
            nonlocal left
            left -= 1
            if left:
                loop.call_soon(self.client.data_received, request)
            else:
                done.set_result(None)

        self.up.on_write = lambda: loop.call_soon(self.upstream.data_received, reply)
        self.down.on_write = answered
        started = time.perf_counter()
        self.client.data_received(request)
        await done
        taken = (time.perf_counter() - started) / count
        assert self.down.written[0].startswith(b"HTTP/1.1 200 "), self.down.written[0]
        self.up.on_write = self.down.on_write = None
        self.up.written.clear()
        self.down.written.clear()
        await asyncio.sleep(0)
        return taken

    async def stream(self, request: bytes, chunks: list[bytes], head: bytes = FIRST, end: bytes = LAST) -> float:
        """Seconds for the chunks between ``head`` and ``end``."""
        self.client.data_received(request)
        while not self.up.written:
            await asyncio.sleep(0)
        self.up.written.clear()
        self.upstream.data_received(head)
        started = time.perf_counter()
        for each in chunks:
            self.upstream.data_received(each)
        taken = time.perf_counter() - started
        self.upstream.data_received(end)
        while not self.client._active.response_complete:  # type: ignore[union-attr]
            await asyncio.sleep(0)
        assert self.down.written[-1].endswith(b"0\r\n\r\n"), self.down.written[-1]
        self.down.written.clear()
        return taken


async def measure(folder: Path) -> None:
    given = {"BENCH_KEY": "bench-key", "BENCH_UPSTREAM": UPSTREAM, "BENCH_LEDGER": str(folder / "ledger.db")}
    config = load(Path(__file__).parent / "cloverleaf.yaml", given)
    app = await App.start(config, Log("off"))
    await app.prober.close()
    app.live.healthy(("engine", UPSTREAM), True)
    bench = Bench(app.gateway, app.transport)
    body = chat_body(1000)
    request = HEAD % len(body) + body
    streamed = chat_body(1000, chunks=CHUNKS)
    stream_request = HEAD % len(streamed) + streamed
    reply = answer()
    chunks = [chunk(b"word%d" % i) for i in range(CHUNKS)]
    per_request, per_chunk = [], []
    gc.collect()
    for _ in range(ROUNDS):
        per_request.append(await bench.requests(REQUESTS, request, reply))
        per_chunk.append(await bench.stream(stream_request, chunks) / CHUNKS)
    print(f"request {min(per_request) * 1e6:.1f} us, chunk {min(per_chunk) * 1e6:.2f} us (best of {ROUNDS} rounds)")
    await app.close()


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="bench-") as temporary:
        uvloop.run(measure(Path(temporary)))
