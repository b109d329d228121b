"""What engines say of themselves. Rule: read from their own /metrics, never through the gateway."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

import httpx

from tests.engine.vllm import Vllm

BUSY = ("vllm:num_requests_running", "vllm:num_requests_waiting")


def parse(text: str) -> dict[str, float]:
    """Prometheus text → the sum of each family over its labels."""
    totals: dict[str, float] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            family = name.partition("{")[0]
            totals[family] = totals.get(family, 0.0) + float(value)
    return totals


async def read(engine: Vllm) -> dict[str, float]:
    """A busy engine takes its time to answer: up to a second or two on a crowded CPU."""
    async with httpx.AsyncClient(verify=False, timeout=30) as http:  # loading certificates would take 20 ms
        return parse((await http.get(f"{engine.url}/metrics")).raise_for_status().text)


async def busy(engines: Iterable[Vllm]) -> float:
    """How many requests the engines hold, running or waiting."""
    return sum(values[family] for values in await asyncio.gather(*map(read, engines)) for family in BUSY)


async def until(condition: Callable[[], Awaitable[bool]], limit: float) -> None:
    """Poll until the condition holds. The last look begins within `limit` seconds, however long it then takes."""
    deadline = asyncio.get_running_loop().time() + limit
    while not await condition():
        if asyncio.get_running_loop().time() > deadline:
            raise TimeoutError(f"not within {limit} s")
        await asyncio.sleep(0.01)
