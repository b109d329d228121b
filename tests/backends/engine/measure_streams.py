"""What paced streams cost an engine: python tests/backends/engine/measure_streams.py [STREAMS] [SECONDS] [ENGINE FLAGS]

Starts an engine in a process of its own, reads its CPU time over a window in which every stream is running, and counts
the events that came. The client only counts.
"""

import asyncio
import subprocess
import sys
import time
from urllib.parse import urlsplit

import msgspec
import psutil
import uvloop

ENGINE = "import argparse, sys; from backends.engine import command as c; p = argparse.ArgumentParser(); "
ENGINE += "c.add_arguments(p); sys.exit(c.run(p.parse_args()))"
MESSAGES = [{"role": "user", "content": "measure"}]
BODY = {"messages": MESSAGES, "stream": True, "ignore_eos": True, "max_tokens": 10_000}


class Counter(asyncio.Protocol):
    def __init__(self) -> None:
        self.events = 0
        self.lost = False

    def data_received(self, data: bytes) -> None:
        self.events += data.count(b"data: ")

    def connection_lost(self, error: Exception | None) -> None:
        self.lost = True


async def measure(engine: subprocess.Popen[str], url: str, streams: int, seconds: float) -> None:
    loop, parts, process = asyncio.get_running_loop(), urlsplit(url), psutil.Process(engine.pid)
    body = msgspec.json.encode(BODY)
    request = b"POST /v1/chat/completions HTTP/1.1\r\nhost: e\r\ncontent-length: %d\r\n\r\n%b" % (len(body), body)
    counters = []
    for _ in range(streams):
        transport, counter = await loop.create_connection(Counter, parts.hostname, parts.port)
        transport.write(request)
        counters.append(counter)
        await asyncio.sleep(0.001)
    while not all(counter.events > 5 for counter in counters):
        await asyncio.sleep(0.1)
    before, start = [counter.events for counter in counters], time.monotonic()
    cpu = sum(process.cpu_times()[:2])
    await asyncio.sleep(seconds)
    wall, cpu = time.monotonic() - start, sum(process.cpu_times()[:2]) - cpu
    counts = [counter.events - earlier for counter, earlier in zip(counters, before, strict=True)]
    print(
        f"{streams} streams for {wall:.1f} s: {sum(counts) / wall:.0f} events/s, {min(counts)}-{max(counts)} a stream"
    )
    print(f"lost {sum(counter.lost for counter in counters)}; engine {cpu / wall:.1%} of a core, ", end="")
    print(f"{cpu / sum(counts) * 1e6:.1f} us an event, {process.memory_info().rss / 2**20:.0f} MiB")


def main(streams: int, seconds: float, flags: list[str]) -> None:
    command = [sys.executable, "-c", ENGINE, "--port", "0", *flags]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as engine:
        try:
            assert engine.stdout is not None
            uvloop.run(measure(engine, engine.stdout.readline().split()[2], streams, seconds))
        finally:
            engine.terminate()


if __name__ == "__main__":
    given = sys.argv[1:]
    main(
        int(given[0]) if given else 1000,
        float(given[1]) if given[1:] else 20,
        given[2:] or ["--tokens-per-second", "10"],
    )
