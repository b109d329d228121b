"""Load. Rule: a gateway like the quickstart's, and around it every trouble that a panel tells of."""

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from backends.engine.server import Engine, EngineOptions
from tests.contracts.scripted import ANSWER, Call, Script, error, silent, stream, upstream, whole
from tests.e2e.process import Serving, serving
from tests.gateway.reporting.telemetry.collector import collector
from tests.publisher import Publisher, stored

FINISH = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
USAGE = (
    b'data: {"choices": [], "usage": {"prompt_tokens": 70, "completion_tokens": 3, "total_tokens": 73, '
    b'"prompt_tokens_details": {"cached_tokens": 32}}}\n\n'
)
DONE = b"data: [DONE]\n\n"


def text(word: str) -> bytes:
    return b'data: {"choices": [{"index": 0, "delta": {"content": "%b"}}]}\n\n' % word.encode()


WORDS = tuple(map(text, ("one", "two", "three")))
SPEAKS = stream(*WORDS, FINISH, USAGE, DONE)
DIES = stream(WORDS[0], end=False)
USED = whole(
    ANSWER.replace(b'"prompt_tokens":1000', b'"prompt_tokens":1000,"prompt_tokens_details":{"cached_tokens":400}')
)


async def answers(call: Call) -> None:
    """As it was asked, after a moment."""
    await asyncio.sleep(0.02)
    await (SPEAKS if b'"stream":true' in call.body.replace(b" ", b"") else USED)(call)


def sometimes(rare: Script, often: Script, every: int) -> Script:
    turns = itertools.count(1)

    async def script(call: Call) -> None:
        await (rare if next(turns) % every == 0 else often)(call)

    return script


def config(urls: dict[str, str], otlp: str) -> str:
    compatible = "provider: openai_compatible, model: m, price: {input: 1, cached_input: 0.5, output: 2}"
    return f"""
auth: {{keys: [{{name: team, key: k}}]}}
defaults:
  hedge: {{enabled: true, budget: 100%}}
  realign: always
  retry: {{attempts: 1, base: 10ms}}
  breaker: {{failures: 1000, min_requests: 1000}}
deployments:
  pool: {{provider: embedded, model: demo, replicas: 2}}
  cloud: {{{compatible}, base_url: "{urls["cloud"]}"}}
  gone: {{provider: openai_compatible, model: m, base_url: "http://127.0.0.1:9/v1"}}
  away: {{provider: vllm, model: m, endpoints: ["http://127.0.0.1:9"]}}
  flaky: {{provider: openai_compatible, model: m, base_url: "{urls["flaky"]}"}}
  slow: {{{compatible}, base_url: "{urls["slow"]}"}}
  dying: {{{compatible}, base_url: "{urls["dying"]}"}}
  narrow: {{{compatible}, base_url: "{urls["narrow"]}", max_concurrency: 1}}
  broken: {{provider: openai_compatible, model: m, base_url: "{urls["broken"]}"}}
  told: {{provider: vllm, model: m, endpoints: ["{urls["engine"]}"], kv_events: "{urls["events"]}"}}
  babbling: {{provider: vllm, model: m, endpoints: ["{urls["engine"]}"], kv_events: "{urls["babble"]}"}}
models:
  demo: {{deployments: [pool, cloud], policy: in-time}}
  full: {{deployments: [narrow]}}
  shaky: {{deployments: [gone, away, flaky, cloud]}}
  hedged: {{deployments: [[slow, cloud]], policy: round_robin}}
  mended: {{deployments: [dying, cloud]}}
  lost: {{deployments: [broken]}}
  graded: {{deployments: [narrow, cloud], policy: quality}}
  known: {{deployments: [[told, babbling]], policy: prefix}}
policies:
  in-time: {{kind: slo_cost, slo: {{ttft: 5ms, tpot: 5ms}}}}
routes:
  - {{name: shadow, match: {{model: lost}}, mirror: {{model: full, rate: 100%}}}}
telemetry: {{log: "off", otlp: "{otlp}", traces: 100%, ledger: ledger.db}}
"""


@asynccontextmanager
async def gateway(directory: Path) -> AsyncIterator[Serving]:
    """One under load for as long as it is open."""
    scripts: dict[str, Script] = {
        "cloud": answers,
        "flaky": sometimes(answers, error(500), 3),
        "slow": sometimes(silent, answers, 30),
        "dying": DIES,
        "narrow": answers,
        "broken": error(500),
    }
    async with AsyncExitStack() as stack:
        ups = {name: await stack.enter_async_context(upstream(script)) for name, script in scripts.items()}
        told = await stack.enter_async_context(collector())
        cache = await stack.enter_async_context(events())
        text = config({name: up.url for name, up in ups.items()} | cache, told.url)
        served = await stack.enter_async_context(serving(directory, text))
        asking = asyncio.gather(*(_ask(served.url, model, stream) for model, stream in ASKED))
        try:
            yield served
        finally:
            asking.cancel()
            await asyncio.gather(asking, return_exceptions=True)


@asynccontextmanager
async def events() -> AsyncIterator[dict[str, str]]:
    """An engine that tells of its cache, and somebody who tells nonsense and leaves much out."""
    engine, babbler = Engine(EngineOptions(model="m", speed=50.0, kv_events="tcp://127.0.0.1:*")), Publisher()
    url = await engine.start()

    async def babble() -> None:
        for seq in itertools.count(step=2):
            babbler.events(seq, stored([seq], None, [seq] * 16))
            babbler.say(b"nonsense")
            await asyncio.sleep(0.1)

    babbling = asyncio.create_task(babble())
    try:
        yield {"engine": url, "events": engine.kv_events, "babble": babbler.place}
    finally:
        babbling.cancel()
        babbler.close()
        await engine.stop()


ASKED = (
    ("demo", True), ("demo", True), ("demo", False), ("full", True), ("full", False), ("full", False), ("shaky", True),
    ("hedged", True), ("hedged", True), ("mended", True), ("lost", False), ("nonsense", False), ("graded", False),
    ("known", False),
)  # fmt: skip


async def _ask(url: str, model: str, stream: bool) -> None:
    """One after another, until cancelled."""
    body: dict[str, Any] = {"model": model, "stream": stream, "max_tokens": 12}
    headers = {"authorization": "Bearer k"}
    async with httpx.AsyncClient(timeout=60, trust_env=False, headers=headers) as http:
        for number in itertools.count():
            messages = [{"role": "user", "content": f"Say something about {number % 7} " * 30}]
            try:
                await http.post(f"{url}/v1/chat/completions", json=body | {"messages": messages})
            except httpx.HTTPError:
                await asyncio.sleep(0.05)
            await asyncio.sleep(0.02)
