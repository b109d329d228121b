"""Playing a trace for real. Rule: each request starts when the trace says, and is timed as its caller sees it.

Prompts are token ids, so that a block of the trace is the same tokens wherever it comes, and every engine counts alike.
"""

import asyncio
import time
from random import Random
from urllib.parse import urlsplit

import msgspec

from gateway.simulate.trace import Arrival, Trace

FIRST_ID, IDS = 600, 7000  # ordinary tokens of the small model's vocabulary, and of the embedded engine's


class Heard(msgspec.Struct):
    """One request as its caller saw it; seconds. ``fault``: what was wrong with it."""

    arrival: Arrival
    ttft: float = 0.0
    total: float = 0.0
    cached: int = 0
    tokens: int = 0
    fault: str = ""


def prompt(arrival: Arrival, block: int) -> list[int]:
    """The ids of a prompt; equal blocks are equal ids."""
    ids: list[int] = []
    for name in arrival.blocks:
        draw = Random(name)
        ids += [FIRST_ID + draw.randrange(IDS) for _ in range(block)]
    return ids[: arrival.prompt_tokens]


def body(arrival: Arrival, model: str, block: int) -> bytes:
    return msgspec.json.encode(
        {
            "model": model,
            "prompt": prompt(arrival, block),
            "max_tokens": arrival.output_tokens,
            "ignore_eos": True,
            "temperature": 0,
            "stream": True,
            "stream_options": {"include_usage": True},
        }
    )


async def play(trace: Trace, url: str, model: str) -> list[Heard]:
    """Every request of the trace, answered at ``url`` (the server's root)."""
    bodies = [body(arrival, model, trace.block) for arrival in trace.arrivals]  # made before the clock runs
    began = time.monotonic()
    heard = [Heard(arrival) for arrival in trace.arrivals]
    async with asyncio.TaskGroup() as group:
        for each, data in zip(heard, bodies, strict=True):
            await asyncio.sleep(began + each.arrival.at - time.monotonic())
            group.create_task(ask(each, url, data))
    return heard


async def ask(heard: Heard, url: str, data: bytes) -> None:
    place = urlsplit(url)
    began = time.monotonic()
    reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=1 << 20)
    head = f"POST /v1/completions HTTP/1.1\r\nhost: {place.netloc}\r\ncontent-type: application/json\r\n"
    writer.write(f"{head}content-length: {len(data)}\r\nconnection: close\r\n\r\n".encode() + data)
    try:
        async for line in reader:
            if line.startswith(b"data: {"):
                _note(heard, msgspec.json.decode(line[6:]), began)
            elif line.startswith(b"HTTP/1.1") and b" 200 " not in line:
                heard.fault = line.decode().strip()
    finally:
        writer.close()
    heard.total = time.monotonic() - began
    if heard.tokens != heard.arrival.output_tokens:
        heard.fault = heard.fault or f"{heard.tokens} tokens of {heard.arrival.output_tokens}"


def _note(heard: Heard, event: dict[str, object], began: float) -> None:
    usage = event.get("usage")
    if isinstance(usage, dict):
        heard.tokens = usage["completion_tokens"]
        heard.cached = (usage.get("prompt_tokens_details") or {}).get("cached_tokens") or 0
    if event.get("choices") and not heard.ttft:
        heard.ttft = time.monotonic() - began
