"""What the console looks at. Rule: a gateway as a user runs it, before engines in this process that can be killed."""

import asyncio
import itertools
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx

from backends.engine.profile import Profile
from backends.engine.server import Engine, EngineOptions

CONFIG = """
admin: {{token: {token}}}
deployments:
  pool:
    provider: vllm
    model: llama-3.1-8b
    weights: llama-3.1-8b
    endpoints: [{pool}]
    cost: {{per_hour: 0.40}}
  cloud:
    provider: openai_compatible
    model: llama-3.1-8b
    weights: llama-3.1-8b
    base_url: "{cloud}/v1"
    price: {{input: 0.30, cached_input: 0.15, output: 0.90}}
models:
  llama-3.1-8b: {{deployments: [pool, cloud], policy: in-time, aliases: [llama]}}
  steady: {{deployments: [pool], fallbacks: [llama-3.1-8b]}}
policies:
  in-time: {{kind: slo_cost, slo: {{ttft: 800ms, per_1k_tokens: 100ms, tpot: 60ms, quantile: 0.9}}}}
routes:
  - {{name: long-prompts, match: {{model: steady, prompt_tokens: {{gt: 4000}}}}, to: {{model: llama-3.1-8b}}}}
telemetry: {{decisions: 20%}}
"""


@asynccontextmanager
async def engines(count: int, slots: int = 12) -> AsyncIterator[tuple[list[Engine], list[str]]]:
    """That run, and their roots."""
    profile = Profile(max_num_seqs=slots, num_blocks=8192)
    made = [Engine(EngineOptions(model="llama-3.1-8b", profile=profile)) for _ in range(count)]
    try:
        yield made, [await engine.start() for engine in made]
    finally:
        for engine in made:
            await engine.stop()


async def traffic(url: str, rate: float = 6.0, swing: float = 0.6, seconds: float = math.inf) -> None:
    """Streams of many lengths at a rate that rises and falls, until cancelled."""
    under_way: set[asyncio.Task[None]] = set()
    async with httpx.AsyncClient(timeout=60) as http, asyncio.TaskGroup() as group:
        started = asyncio.get_running_loop().time()
        for number in itertools.count():
            passed = asyncio.get_running_loop().time() - started
            if passed > seconds:
                return
            task = group.create_task(_ask(http, url, number))
            under_way.add(task)
            task.add_done_callback(under_way.discard)
            await asyncio.sleep(1 / (rate * (1 + swing * math.sin(passed / 20))))


async def _ask(http: httpx.AsyncClient, url: str, number: int) -> None:
    words = 40 + (number * 7919) % 900
    body = {
        "model": "steady" if number % 7 == 0 else "llama-3.1-8b",
        "stream": number % 11 != 0,
        "max_tokens": 30 + (number * 104729) % 220,
        "messages": [{"role": "user", "content": f"Story {number % 40}: " + "once upon a time " * words}],
    }
    try:
        await http.post(f"{url}/v1/chat/completions", json=body)
    except httpx.HTTPError:
        pass  # a picture of trouble has trouble in it
