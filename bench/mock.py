"""The mock upstream. Rule: an answer costs next to nothing and is always the same, and a stream keeps its pace exactly.

    python -m bench.mock --port 0        # prints "ready PORT"

It speaks enough of vLLM's surface (models, health, metrics, server info) for every peer to take it as a worker.
"""

import argparse
import asyncio
import gc
import itertools
import re
import time
from collections.abc import Iterator

import httptools
import msgspec
import uvloop

from bench.wire import ANSWER, CHAT, MODEL, PACE, mark

STREAM = re.compile(rb'"stream":\s*true')
USAGE = re.compile(rb'"include_usage":\s*true')
COUNTS = {"prompt_tokens": 256, "completion_tokens": 64, "total_tokens": 320}
IDENTITY = {"id": "chatcmpl-6f2a91c04be84d5c9d7e", "created": 1700000000, "model": MODEL}
METRICS = b"""# TYPE vllm:num_requests_running gauge
vllm:num_requests_running{model_name="bench-model"} 1.0
# TYPE vllm:num_requests_waiting gauge
vllm:num_requests_waiting{model_name="bench-model"} 0.0
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{model_name="bench-model"} 0.1
"""


def plain(content: bytes, kind: bytes = b"application/json", status: bytes = b"200 OK") -> bytes:
    head = b"HTTP/1.1 %s\r\ncontent-type: %s\r\ncontent-length: %d\r\n\r\n" % (status, kind, len(content))
    return head + content


def answer() -> bytes:
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": ANSWER},
        "logprobs": None,
        "finish_reason": "stop",
    }
    return msgspec.json.encode({**IDENTITY, "object": "chat.completion", "choices": [choice], "usage": COUNTS})


def event(data: bytes) -> bytes:
    """One SSE event in one HTTP chunk, as engines send them."""
    return b"%x\r\ndata: %s\n\n\r\n" % (len(data) + 8, data)


def delta(content: dict[str, str], finish: str | None = None) -> bytes:
    choice = {"index": 0, "delta": content, "logprobs": None, "finish_reason": finish}
    return msgspec.json.encode({**IDENTITY, "object": "chat.completion.chunk", "choices": [choice]})


PAGES = {
    b"/v1/models": plain(
        msgspec.json.encode(
            {"object": "list", "data": [{"id": MODEL, "object": "model", "owned_by": "bench", "max_model_len": 200000}]}
        )
    ),
    b"/health": plain(b""),
    b"/metrics": plain(METRICS, b"text/plain; version=0.0.4"),
    b"/version": plain(b'{"version":"0.11.0"}'),
    b"/get_server_info": plain(b'{"model_path":"bench-model","max_num_reqs":1024,"dp_size":1,"version":"0.11.0"}'),
    b"/get_model_info": plain(b'{"model_path":"bench-model","is_generation":true}'),
    b"/server_info": plain(b'{"model_path":"bench-model","max_num_reqs":1024,"dp_size":1,"version":"0.11.0"}'),
    b"/model_info": plain(b'{"model_path":"bench-model","is_generation":true}'),
}
NOT_FOUND = plain(b'{"error":{"message":"no such page","type":"not_found"}}', status=b"404 Not Found")
WHOLE = plain(answer())
STREAM_HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\ntransfer-encoding: chunked\r\n\r\n"
BEFORE, AFTER = delta({"content": "@"}).split(b"@")
FIRST = event(delta({"role": "assistant", "content": ""}))
FINISH = event(delta({}, "stop"))
USAGE_EVENT = event(
    msgspec.json.encode({**IDENTITY, "object": "chat.completion.chunk", "choices": [], "usage": COUNTS})
)
DONE = event(b"[DONE]") + b"0\r\n\r\n"


class Stream:
    """One paced answer; each chunk is due at a fixed time after the first, so that lateness does not add up."""

    def __init__(self, number: int, transport: asyncio.Transport, body: bytes) -> None:
        pace = PACE.search(body)
        self.chunks, interval = (int(pace[1]), int(pace[2])) if pace else (16, 0)
        self.interval = interval / 1000
        self.number = number
        self.transport = transport
        self.tail = FINISH + (USAGE_EVENT if USAGE.search(body) else b"") + DONE
        self.sent = 0
        self.loop = asyncio.get_running_loop()
        self.started = time.monotonic()
        self.timer: asyncio.TimerHandle | None = None
        transport.write(STREAM_HEAD + FIRST)
        self.tick()

    def tick(self) -> None:
        content = mark(self.number, self.sent, time.monotonic_ns())
        self.transport.write(event(BEFORE + content + AFTER))
        self.sent += 1
        if self.sent == self.chunks:
            self.transport.write(self.tail)
        else:
            due = self.started + self.sent * self.interval
            self.timer = self.loop.call_later(max(0.0, due - time.monotonic()), self.tick)


class Upstream(asyncio.Protocol):
    """One connection from a gateway; pipelining is not served, for no gateway pipelines."""

    def __init__(self, numbers: Iterator[int]) -> None:
        self.numbers = numbers
        self.stream: Stream | None = None
        self.parser = httptools.HttpRequestParser(self)
        self.url = b""
        self.body: list[bytes] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        self.transport = transport

    def connection_lost(self, exc: Exception | None) -> None:
        if self.stream and self.stream.timer:
            self.stream.timer.cancel()

    def data_received(self, data: bytes) -> None:
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError:
            self.transport.close()

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_body(self, piece: bytes) -> None:
        self.body.append(piece)

    def on_message_complete(self) -> None:
        url, body = self.url.partition(b"?")[0], b"".join(self.body)
        self.url, self.body = b"", []
        if url != CHAT.encode():
            self.transport.write(PAGES.get(url, NOT_FOUND))
            if not self.parser.should_keep_alive():
                self.transport.close()
        elif STREAM.search(body):
            self.stream = Stream(next(self.numbers), self.transport, body)
        else:
            self.transport.write(WHOLE)


async def serve(port: int) -> None:
    numbers = itertools.count()
    server = await asyncio.get_running_loop().create_server(lambda: Upstream(numbers), "127.0.0.1", port, backlog=4096)
    print("ready", server.sockets[0].getsockname()[1], flush=True)
    gc.freeze()
    gc.disable()  # a collection here would be read as a stall of whatever stands in front
    await server.serve_forever()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="mock upstream")
    parser.add_argument("--port", type=int, default=0)
    uvloop.run(serve(parser.parse_args().port))
