"""Scraping. Rule: what the gateway reports of an engine is what the engine reports of itself."""

import asyncio
from functools import partial
from typing import Any

import openai

from tests.engine.gateway import Gateway
from tests.engine.metrics import busy, read, until
from tests.engine.prompts import HELLO, long_prompt
from tests.engine.status import endpoints
from tests.engine.vllm import Vllm

FAMILIES = {
    "running": "vllm:num_requests_running",
    "waiting": "vllm:num_requests_waiting",
    "prefix_queries": "vllm:prefix_cache_queries_total",
    "prefix_hits": "vllm:prefix_cache_hits_total",
}
CROWD = 40  # each engine runs 16 at once, so some wait
PATIENCE = 60.0


async def agree(gateway: Gateway, engine: Vllm, *, minimum: dict[str, float]) -> bool:
    """Every count is the engine's own and at least the minimum; KV usage moves between two readings, a little."""
    seen, own = (await endpoints(gateway))[engine.url], await read(engine)
    counts = all(seen[field] == own[family] for field, family in FAMILIES.items())
    usage = seen["kv_usage"] is not None and abs(seen["kv_usage"] - own["vllm:kv_cache_usage_perc"]) < 0.01
    return counts and usage and all(seen[field] >= least for field, least in minimum.items())


async def test_a_crowd_is_seen_as_each_engine_sees_it(
    async_client: openai.AsyncOpenAI, gateway: Gateway, engines: list[Vllm]
) -> None:
    ask: dict[str, Any] = {"model": "pool-only", "messages": HELLO, "max_tokens": 4000}
    crowd = [
        asyncio.create_task(async_client.chat.completions.create(**ask, extra_body={"ignore_eos": True}))
        for _ in range(CROWD)
    ]
    minimum = {"running": 16, "waiting": 1, "kv_usage": 0.001, "in_flight": CROWD / 2}
    for engine in engines:
        await until(partial(agree, gateway, engine, minimum=minimum), PATIENCE)
    for task in crowd:
        task.cancel()
    await until(lambda: idle(engines), PATIENCE)
    for engine in engines:
        await until(partial(agree, gateway, engine, minimum={}), PATIENCE)


async def test_cache_hits_are_seen_as_each_engine_counts_them(
    async_client: openai.AsyncOpenAI, gateway: Gateway, engines: list[Vllm]
) -> None:
    messages: Any = [{"role": "user", "content": long_prompt(600)}]
    for _ in range(4):
        await async_client.chat.completions.create(model="pool-only", messages=messages, max_tokens=1)
    minimum = {"prefix_hits": 500, "prefix_queries": 1000}
    for engine in engines:
        await until(partial(agree, gateway, engine, minimum=minimum), PATIENCE)


async def test_what_no_scrape_has_said_is_unknown_and_not_zero(gateway: Gateway, engines: list[Vllm]) -> None:
    cloud = next(seen for url, seen in (await endpoints(gateway)).items() if url.endswith("/v1"))
    assert cloud["up"]
    assert [cloud[field] for field in (*FAMILIES, "kv_usage")] == [None] * 5


async def idle(engines: list[Vllm]) -> bool:
    return await busy(engines) == 0
