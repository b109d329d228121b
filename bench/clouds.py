"""The hot path to clouds. Rule: bench.hot_path's bench, through the adapters that openai, azure and anthropic bring.

    python -m bench.clouds            # microseconds of the gateway's own work per request and per chunk, by provider

Each is asked in its own dialect, so that nothing is translated: chats, and messages of Anthropic's.
"""

import gc
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import uvloop

from bench.hot_path import CHUNKS, FIRST, HEAD, LAST, REQUESTS, ROUNDS, STREAM, Bench, answer, chunk
from bench.translated import reply, streamed
from bench.wire import CHAT, chat_body
from gateway.app import App
from gateway.config import load
from gateway.recording.log import Log

MESSAGES = "/v1/messages"


class Cloud(msgspec.Struct, frozen=True):
    """A provider as it is asked, and as it answers: whole, and in the parts of a stream."""

    name: str
    upstream: str
    path: str
    whole: bytes
    first: bytes
    chunks: tuple[bytes, ...]
    last: bytes

    def request(self, chunks: int = 0) -> bytes:
        fields = {"model": self.name, "max_tokens": 400, "stream": bool(chunks)}
        body = msgspec.json.encode(msgspec.json.decode(chat_body(1000)) | fields)
        return HEAD.replace(CHAT.encode(), self.path.encode()) % len(body) + body


def chats(name: str, upstream: str) -> Cloud:
    return Cloud(name, upstream, CHAT, answer(), FIRST, tuple(chunk(b"word%d" % i) for i in range(CHUNKS)), LAST)


def messages(name: str, upstream: str) -> Cloud:
    start, pieces, end = streamed(name)
    return Cloud(name, upstream, MESSAGES, reply(name), STREAM + start, (pieces[0],) * CHUNKS, end)


CLOUDS = (
    chats("openai", "http://127.0.0.1:9"),
    chats("azure", "http://127.0.0.2:9"),
    messages("anthropic", "http://127.0.0.3:9"),
)


@asynccontextmanager
async def benches() -> AsyncIterator[dict[Cloud, Bench]]:
    """A bench for each cloud, all of one gateway."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        config = load(Path(__file__).with_suffix(".yaml"), {"BENCH_LEDGER": f"{folder}/ledger.db"})
        app = await App.start(config, Log("off"))
        try:
            yield {cloud: Bench(app.gateway, app.transport, cloud.upstream) for cloud in CLOUDS}
        finally:
            await app.close()


async def once(cloud: Cloud, bench: Bench, requests: int = REQUESTS) -> tuple[float, float]:
    """Seconds per request and per chunk."""
    whole = await bench.requests(requests, cloud.request(), cloud.whole)
    return whole, await bench.stream(cloud.request(CHUNKS), list(cloud.chunks), cloud.first, cloud.last) / CHUNKS


async def main() -> None:
    async with benches() as all_benches:
        times: dict[str, list[tuple[float, float]]] = {cloud.name: [] for cloud in CLOUDS}
        gc.collect()
        for _ in range(ROUNDS):
            for cloud, bench in all_benches.items():
                times[cloud.name].append(await once(cloud, bench))
    for name, each in times.items():
        request, piece = (min(figures) * 1e6 for figures in zip(*each, strict=True))
        print(f"{name:9} request {request:.1f} us, chunk {piece:.2f} us (best of {ROUNDS} rounds)")


if __name__ == "__main__":
    uvloop.run(main())
