"""A stream whose engine is killed. Rule: its client reads on; what may not be recovered ends in the in-band error.

SEEDS=20 kills an engine twenty times; three are enough for every day.
"""

import asyncio
import os
import random
from collections.abc import Collection
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from tests.backends.recover.wire import Read, read
from tests.engine.gateway import KEY, Gateway
from tests.engine.metrics import until
from tests.engine.process import Server
from tests.engine.status import endpoints
from tests.engine.vllm import Vllm

SEEDS = int(os.environ.get("SEEDS", "3"))
TOKENS = 1500  # some seconds of work
BEGUN_WITHIN = 120.0
BACK_WITHIN = 60.0
RESCUED_WITHIN = 60.0


CONFIG = """
auth: {{keys: [{{name: tests, key: {key}, models: ["*"]}}]}}
defaults: {{breaker: {{open_for: 1s}}, timeouts: {{ttft: 20s, stream_idle: 60s}}}}
deployments:
  one: {{provider: vllm, model: tiny, endpoints: ["{first}"], weights: tiny}}
  two: {{provider: vllm, model: tiny, endpoints: ["{second}"], weights: tiny}}
models:
  continued: {{deployments: [one, two], recovery: [continue]}}
  realigned: {{deployments: [one, two], recovery: [realign]}}
"""


@pytest.fixture(scope="module")
def survivor(servers: list[Server], logs: Path, all_engines: list[Vllm]) -> Gateway:
    """A gateway that asks the first engine for everything, and the second when it must."""
    directory = logs / "survivor"
    directory.mkdir()
    first, second, _ = (engine.url for engine in all_engines)
    gateway = Gateway(directory, CONFIG.format(key=KEY, first=first, second=second))
    servers.append(gateway)
    gateway.start()
    gateway.wait_healthy()
    return gateway


@pytest.fixture
async def survives(survivor: Gateway, engines: list[Vllm]) -> Gateway:
    """With both engines in service, and probed."""
    await until(lambda: serves(survivor, "one"), BACK_WITHIN)
    await until(lambda: probed(survivor), BACK_WITHIN)
    return survivor


async def serves(gateway: Gateway, place: str) -> bool:
    """Whether a streamed request is answered there."""
    body = asked("realigned", "import sys", max_tokens=2)
    async with client(gateway) as http, http.stream("POST", "/v1/chat/completions", json=body) as answer:
        await answer.aread()
        return answer.headers.get("x-cloverleaf-deployment") == place


def client(gateway: Gateway) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=gateway.url, headers={"authorization": f"Bearer {KEY}"}, timeout=300)


def asked(model: str, prompt: str, **fields: Any) -> dict[str, Any]:
    usual = {"max_tokens": TOKENS, "ignore_eos": True, "temperature": 0, "stream": True}
    options = {"stream_options": {"include_usage": True}}
    return {"model": model, "messages": [{"role": "user", "content": prompt}], **usual, **options, **fields}


class Stream:
    """One stream, read as it comes. It is asked for again and again, so that a death finds it unfinished: an engine on
    crowded cores may have spoken its last token before its server sends the first ones."""

    def __init__(self) -> None:
        self.data = b""
        self.last = False  # the one that is being read is not asked for again

    @property
    def words(self) -> int:
        return self.data.count(b'"content"')

    @property
    def seen(self) -> Read:
        return read(self.data)

    async def listen(self, http: httpx.AsyncClient, body: dict[str, Any]) -> None:
        while not self.last:
            self.data = b""
            async with http.stream("POST", "/v1/chat/completions", json=body) as answer:
                assert answer.status_code == 200, await answer.aread()
                async for part in answer.aiter_bytes():
                    self.data += part


async def directly(engine: Vllm, body: dict[str, Any]) -> str:
    """What an engine says when it is asked alone and nothing happens."""
    async with httpx.AsyncClient(timeout=300) as http:
        whole = {**body, "model": "tiny", "stream": False}
        del whole["stream_options"]
        answer = await http.post(f"{engine.url}/v1/chat/completions", json=whole)
    text: str = answer.raise_for_status().json()["choices"][0]["message"]["content"]
    return text


async def probed(gateway: Gateway) -> bool:
    """Both engines have said whether they can continue a text."""
    return all(endpoint["continues"] == "exactly" for endpoint in (await endpoints(gateway)).values())


@pytest.mark.parametrize("seed", range(SEEDS))
async def test_a_killed_engine_costs_no_stream_that_may_go_on(
    survives: Gateway, engines: list[Vllm], seed: int
) -> None:
    """One stream of each kind on the engine that dies; the other engine takes over what may be taken over."""
    rng = random.Random(seed)
    victim, other = engines
    prompt = f"import {rng.choice(['os', 're', 'ast', 'json'])}  # {rng.random()}"
    realigned, continued = asked("realigned", prompt), asked("continued", prompt + " as x")
    streams = {"realigned": Stream(), "continued": Stream(), "two": Stream()}
    undisturbed = await directly(other, realigned)
    cut = rng.randint(1, 40)
    async with client(survives) as http, asyncio.TaskGroup() as group:
        group.create_task(streams["realigned"].listen(http, realigned))
        group.create_task(streams["continued"].listen(http, continued))
        group.create_task(streams["two"].listen(http, asked("continued", prompt, n=2, temperature=1)))
        await until(lambda: caught_speaking(survives, victim, streams.values(), cut), BEGUN_WITHIN)
        for stream in streams.values():
            stream.last = True
        victim.kill()

    seen = streams["realigned"].seen
    assert b"mode=realign deployment=two" in seen.comments[0]
    assert (seen.texts["content"], seen.finishes, seen.done) == (undisturbed, ["length"], 1)

    await check_continued(other, continued, streams["continued"])

    assert b'data: {"error":' in streams["two"].data and b"[DONE]" not in streams["two"].data


async def caught_speaking(gateway: Gateway, engine: Vllm, streams: Collection[Stream], cut: int) -> bool:
    """Each stream has so many chunks of text, and the gateway knows the end of none. The engine is frozen when it is
    so: it could end its streams between the look and the kill."""
    engine.freeze()
    unended = (await endpoints(gateway))[engine.url]["in_flight"]
    if unended == len(streams) and all(stream.words >= cut for stream in streams):
        return True
    engine.thaw()
    return False


async def check_continued(other: Vllm, body: dict[str, Any], stream: Stream) -> None:
    """What came behind the seam is what the other engine says when it is given what came before it, to the letter."""
    seen = stream.seen
    (comment,) = seen.comments
    assert b"mode=continue deployment=two" in comment
    before, text = read(stream.data.partition(comment)[0]).texts["content"], seen.texts["content"]
    assert text.startswith(before)
    assert len(before) == int(comment.rpartition(b"at=")[2])
    assert (seen.finishes, seen.done, len(seen.ids)) == (["length"], 1, 1)
    assert seen.usage is not None and seen.usage["completion_tokens"] == TOKENS
    messages = [*body["messages"], {"role": "assistant", "content": before}]
    flags = {"continue_final_message": True, "add_generation_prompt": False}
    left = TOKENS - max(pieces(stream.data, comment), await tokens(other, before))
    assert before + await directly(other, {**body, "messages": messages, "max_tokens": left, **flags}) == text


async def tokens(engine: Vllm, text: str) -> int:
    """How many the engine says a text is: what the token budget is shrunk by, where chunks held several."""
    async with httpx.AsyncClient(timeout=60) as http:
        asked = {"model": "tiny", "prompt": text, "add_special_tokens": False}
        answer = await http.post(f"{engine.url}/tokenize", json=asked)
    count: int = answer.raise_for_status().json()["count"]
    return count


def pieces(data: bytes, comment: bytes) -> int:
    """Chunks of text before the seam."""
    events = data.partition(comment)[0].split(b"\n\n")
    values = [msgspec.json.decode(event.removeprefix(b"data: ")) for event in events if event.startswith(b"data: {")]
    return sum(bool(choice["delta"].get("content")) for value in values for choice in value["choices"])


async def test_a_frozen_engine_is_passed_over_and_gets_its_traffic_back(survives: Gateway, engines: list[Vllm]) -> None:
    """SIGSTOP: connections are taken, and nothing is said. The limit on the first token rescues."""
    engines[0].freeze()
    try:
        assert await asyncio.wait_for(serves(survives, "two"), RESCUED_WITHIN)
    finally:
        engines[0].thaw()
    await until(lambda: serves(survives, "one"), BACK_WITHIN)


async def test_a_restarted_engine_gets_its_traffic_back(survives: Gateway, engines: list[Vllm]) -> None:
    engines[0].kill()
    assert await serves(survives, "two")
    engines[0].start()
    engines[0].wait_healthy()
    await until(lambda: serves(survives, "one"), BACK_WITHIN)
