"""The load generator. Rule: it never waits where a client would not, and a run with one fault says so.

    python -m bench.load closed URL --connections 32 --seconds 3 --prompt-bytes 1000
    python -m bench.load streams URL --connections 100 --chunks 50 --interval-ms 20 --repeats 3
    python -m bench.load rate URL --rate 500 --seconds 5

closed: each connection asks again when answered. streams: each connection reads paced streams one after another.
rate: requests start on a clock, whatever happened to those before. One JSON line on stdout.
"""

import argparse
import asyncio
import collections
import gc
import sys
import time
from urllib.parse import urlsplit

import msgspec
import uvloop

from bench.client import Connection, StreamReply, WholeReply
from bench.wire import chat_body, http_request
from policies.vocabulary.quantile import quantile

CONNECTS_PER_SECOND = 1000  # streams start spread out: a thundering herd of connects is another test
PATIENCE = 120.0  # seconds after its planned end at which a run gives up on what is still unanswered


class Spread(msgspec.Struct, frozen=True):
    """Milliseconds."""

    p50: float
    p99: float
    worst: float


class Result(msgspec.Struct, frozen=True):
    requests: int
    chunks: int
    seconds: float
    body_bytes: int
    faults: dict[str, int]
    latency: Spread | None  # whole exchanges
    first: Spread | None  # from the request to the first chunk
    delay: Spread | None  # each chunk, from the mock's write to the client's read


def spread(seconds: list[float]) -> Spread | None:
    if not seconds:
        return None
    ordered = sorted(seconds)
    p50, p99 = (round(1000 * (quantile(ordered, share) or 0.0), 3) for share in (0.5, 0.99))
    return Spread(p50=p50, p99=p99, worst=round(1000 * ordered[-1], 3))


class Load:
    """One run: where to, what is asked, and what came of it."""

    def __init__(self, url: str, body: bytes, headers: tuple[str, ...] = (), patience: float = PATIENCE) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "127.0.0.1", parts.port or 80
        self.body_bytes = len(body)
        self.request = http_request(f"{self.host}:{self.port}", headers, body)
        self.patience = patience
        self.faults: collections.Counter[str] = collections.Counter()
        self.latencies: list[float] = []
        self.firsts: list[float] = []
        self.delays: list[float] = []
        self.opened: list[Connection] = []
        self.started = time.monotonic()

    async def connect(self) -> Connection:
        _, connection = await asyncio.get_running_loop().create_connection(Connection, self.host, self.port)
        self.opened.append(connection)
        return connection

    async def ask(self, connection: Connection, reply: WholeReply | StreamReply) -> bool:
        """One exchange; False when it had a fault, and its connection is of no more use."""
        sent = time.monotonic()
        if fault := await connection.exchange(self.request, reply):
            self.faults[fault] += 1
            return False
        self.latencies.append(time.monotonic() - sent)
        if isinstance(reply, StreamReply):
            self.firsts.append(reply.first_at - sent)
        return True

    async def closed(self, connections: int, seconds: float) -> None:
        async def client() -> None:
            connection = await self.connect()
            while time.monotonic() < until and await self.ask(connection, WholeReply()):
                pass

        until = time.monotonic() + seconds
        await self.finish([asyncio.create_task(client()) for _ in range(connections)], seconds)

    async def streams(self, connections: int, chunks: int, interval: float, repeats: int) -> None:
        async def client(number: int) -> None:
            await asyncio.sleep(number / connections * max(interval, connections / CONNECTS_PER_SECOND))
            connection = await self.connect()
            for _ in range(repeats):
                if not await self.ask(connection, StreamReply(chunks, self.delays)):
                    return

        planned = chunks * interval * repeats
        await self.finish([asyncio.create_task(client(number)) for number in range(connections)], planned)

    async def rate(self, per_second: float, seconds: float) -> None:
        async def client() -> None:
            connection = idle.pop() if idle else await self.connect()
            if await self.ask(connection, WholeReply()):
                idle.append(connection)

        idle: list[Connection] = []
        tasks: list[asyncio.Task[None]] = []
        started = time.monotonic()
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, started + number / per_second - time.monotonic()))
            tasks.append(asyncio.create_task(client()))
        await self.finish(tasks, 0)

    async def finish(self, tasks: list[asyncio.Task[None]], planned: float) -> None:
        """Waits for all clients, and gives up on those that hang; a client that could not connect is a fault too."""
        if not tasks:
            return
        finished, hanging = await asyncio.wait(tasks, timeout=planned + self.patience)
        for task in hanging:
            task.cancel()
            self.faults["unanswered"] += 1
        await asyncio.gather(*hanging, return_exceptions=True)
        for connection in self.opened:
            connection.transport.close()
        for task in finished:
            if isinstance(error := task.exception(), OSError):
                self.faults["no connection"] += 1
            elif error:
                raise error

    def result(self) -> Result:
        return Result(
            requests=len(self.latencies),
            chunks=len(self.delays),
            seconds=round(time.monotonic() - self.started, 3),
            body_bytes=self.body_bytes,
            faults=dict(self.faults),
            latency=spread(self.latencies),
            first=spread(self.firsts),
            delay=spread(self.delays),
        )


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="load generator")
    patterns = parser.add_subparsers(dest="pattern", required=True)
    closed = patterns.add_parser("closed")
    closed.add_argument("--connections", type=int, default=32)
    closed.add_argument("--seconds", type=float, default=3)
    streams = patterns.add_parser("streams")
    streams.add_argument("--connections", type=int, default=100)
    streams.add_argument("--chunks", type=int, default=50)
    streams.add_argument("--interval-ms", type=int, default=20)
    streams.add_argument("--repeats", type=int, default=1)
    rate = patterns.add_parser("rate")
    rate.add_argument("--rate", type=float, default=100)
    rate.add_argument("--seconds", type=float, default=3)
    for pattern in (closed, streams, rate):
        pattern.add_argument("url")
        pattern.add_argument("--prompt-bytes", type=int, default=1000)
        pattern.add_argument("--header", action="append", default=[])
    return parser.parse_args()


async def run(options: argparse.Namespace) -> Result:
    streamed = options.pattern == "streams"
    pace = (options.chunks, options.interval_ms) if streamed else (0, 0)
    load = Load(options.url, chat_body(options.prompt_bytes, *pace), tuple(options.header))
    if streamed:
        await load.streams(options.connections, options.chunks, options.interval_ms / 1000, options.repeats)
    elif options.pattern == "closed":
        await load.closed(options.connections, options.seconds)
    else:
        await load.rate(options.rate, options.seconds)
    return load.result()


if __name__ == "__main__":
    options = arguments()
    gc.freeze()
    gc.disable()  # a collection here would be read as a delay of the subject's
    sys.stdout.buffer.write(msgspec.json.encode(uvloop.run(run(options))) + b"\n")
