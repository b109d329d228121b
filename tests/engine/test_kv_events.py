"""Cache events of real engines: what they tell is what they do, and a killed engine is known to hold nothing."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import msgspec
import pytest

from tests.engine import metrics
from tests.engine.gateway import KEY, Gateway
from tests.engine.metrics import until
from tests.engine.process import Server
from tests.engine.prompts import long_prompt
from tests.engine.status import endpoints
from tests.engine.vllm import Vllm

# Engines on one machine publish at ports of their own, so each is a deployment of the same weights.
CONFIG = """
auth: {{keys: [{{name: tests, key: {key}, models: ["*"], explain: true}}]}}
deployments:
  first: {{provider: vllm, model: tiny, weights: tiny, endpoints: ["{urls[0]}"], kv_events: "{events[0]}"}}
  second: {{provider: vllm, model: tiny, weights: tiny, endpoints: ["{urls[1]}"], kv_events: "{events[1]}"}}
models:
  tiny: {{deployments: [[first, second]], policy: prefix}}
"""
WITHIN = 60.0  # seconds; what is waited for takes a second or two on idle cores
BLOCK = 32  # tokens


@pytest.fixture(scope="module")
def routed(servers: list[Server], logs: Path, all_engines: list[Vllm]) -> Gateway:
    """A gateway that follows the pool's cache events."""
    pool = all_engines[:2]
    (logs / "kv").mkdir()
    events = [f"tcp://{{host}}:{engine.events}" for engine in pool]
    gateway = Gateway(logs / "kv", CONFIG.format(key=KEY, urls=[engine.url for engine in pool], events=events))
    servers.append(gateway)
    gateway.start()
    gateway.wait_healthy()
    return gateway


@pytest.fixture
def http(routed: Gateway, engines: list[Vllm]) -> Iterator[httpx.Client]:
    headers = {"authorization": f"Bearer {KEY}", "x-cloverleaf-explain": "1"}
    with httpx.Client(base_url=routed.url, headers=headers, timeout=120) as client:
        yield client


class Talk:
    """A conversation that grows by some 400 tokens a turn."""

    def __init__(self, gateway: Gateway, http: httpx.Client) -> None:
        self._gateway, self._http = gateway, http
        self._messages: list[dict[str, str]] = []

    async def ask(self) -> "Turn":
        """The next turn, when the gateway has learned the prompt's tokens and been told of the blocks they filled."""
        prompts, blocks = await self._known()
        turn = self._ask()
        filled = turn.prompt // BLOCK - turn.cached // BLOCK

        async def known() -> bool:
            learned, told = await self._known()
            return learned > prompts and told >= blocks + filled

        await until(known, WITHIN)
        return turn

    async def _known(self) -> tuple[float, float]:
        learned = await counter(self._gateway, "cloverleaf_kv_prompts_total", 'result="learned"')
        return learned, await counter(self._gateway, "cloverleaf_endpoint_kv_blocks")

    def _ask(self) -> "Turn":
        self._messages.append({"role": "user", "content": long_prompt(400)})
        reply = self._http.post(
            "/v1/chat/completions",
            json={"model": "tiny", "messages": self._messages, "max_tokens": 4, "ignore_eos": True},
        )
        assert reply.status_code == 200, reply.text
        usage = reply.json()["usage"]
        decision = msgspec.json.decode(reply.headers["x-cloverleaf-decision"])
        (chosen,) = [row for row in decision["considered"] if row["chosen"]]
        return Turn(
            chosen["endpoint"],
            decision["signal"],
            usage["prompt_tokens"],
            int(chosen["features"].get("cached_tokens", 0)),
            (usage["prompt_tokens_details"] or {}).get("cached_tokens") or 0,
        )


class Turn(msgspec.Struct):
    """``expected``: prompt tokens that the place was known to hold; ``cached``: that it says it held."""

    endpoint: str
    signal: str
    prompt: int
    expected: int
    cached: int


async def counter(gateway: Gateway, name: str, *labels: str) -> float:
    """The sum over a metric's series that have all these labels."""
    async with httpx.AsyncClient(verify=False) as http:
        lines = (await http.get(f"{gateway.admin}/metrics")).raise_for_status().text.splitlines()
    return sum(
        float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith(f"{name}{{") and all(label in line for label in labels)
    )


async def reaches(gateway: Gateway, least: float, name: str, *labels: str) -> bool:
    return await counter(gateway, name, *labels) >= least


async def is_in(gateway: Gateway, engine: Vllm, *states: str) -> bool:
    seen = (await endpoints(gateway))[engine.url]
    return bool(seen["up"]) and seen["kv_events"] in states


async def is_down(gateway: Gateway, engine: Vllm) -> bool:
    return not (await endpoints(gateway))[engine.url]["up"]


async def warm(gateway: Gateway, http: httpx.Client, engines: list[Vllm]) -> None:
    """Each engine has told its blocks' size: until then no prompt's tokens are asked for."""
    for engine in engines:
        body = {"model": "tiny", "prompt": long_prompt(100), "max_tokens": 1}
        httpx.post(f"{engine.url}/v1/completions", json=body, timeout=120).raise_for_status()
        labels = f'endpoint="{engine.url}"'
        await until(partial(reaches, gateway, 1, "cloverleaf_endpoint_kv_blocks", labels), WITHIN)


async def test_conversations_go_where_engines_say_their_beginnings_are(
    http: httpx.Client, routed: Gateway, engines: list[Vllm]
) -> None:
    await warm(routed, http, engines)
    before = {engine.url: (await metrics.read(engine))["vllm:prefix_cache_hits_total"] for engine in engines}
    talks, told = [Talk(routed, http) for _ in range(3)], dict[str, int]()
    homes = [(await talk.ask()).endpoint for talk in talks]
    for _ in range(3):
        for talk, home in zip(talks, homes, strict=True):
            turn = await talk.ask()
            told[turn.endpoint] = told.get(turn.endpoint, 0) + turn.cached
            assert turn.endpoint == home
            assert turn.cached >= 0.4 * turn.prompt
            assert abs(turn.expected - turn.cached) <= 2 * BLOCK
    for engine in engines:
        hits = (await metrics.read(engine))["vllm:prefix_cache_hits_total"] - before[engine.url]
        assert hits == told.get(engine.url, 0)
    if all([await is_in(routed, engine, "live") for engine in engines]):
        assert await reaches(routed, 9, "cloverleaf_prefix_reads_total", 'signal="precise"')


async def test_a_killed_engine_holds_nothing_and_is_known_again_when_it_is_back(
    http: httpx.Client, routed: Gateway, engines: list[Vllm]
) -> None:
    await warm(routed, http, engines)
    talk = Talk(routed, http)
    home = (await talk.ask()).endpoint
    assert (await talk.ask()).endpoint == home
    victim = next(engine for engine in engines if engine.url == home)
    labels = f'endpoint="{victim.url}"'
    purges = await counter(routed, "cloverleaf_kv_purges_total", labels)
    victim.kill()
    await until(partial(reaches, routed, purges + 1, "cloverleaf_kv_purges_total", labels), WITHIN)
    assert await counter(routed, "cloverleaf_endpoint_kv_blocks", labels) == 0
    await until(partial(is_down, routed, victim), WITHIN)
    elsewhere = await talk.ask()
    assert elsewhere.endpoint != home
    victim.start()
    victim.wait_healthy()
    await until(partial(is_in, routed, victim, "live"), WITHIN)  # it has computed nothing yet, and is heard
    turn = await talk.ask()
    assert turn.endpoint != home  # where the other engine's cache is now
    assert (turn.signal, turn.cached >= 0.6 * turn.prompt) == ("precise", True)
    await warm(routed, http, [victim])


async def test_an_engine_whose_cache_was_reset_says_so(
    http: httpx.Client, routed: Gateway, engines: list[Vllm]
) -> None:
    await warm(routed, http, engines)
    talk = Talk(routed, http)
    home = (await talk.ask()).endpoint
    (engine,) = [engine for engine in engines if engine.url == home]
    labels = f'endpoint="{engine.url}"'
    held = await counter(routed, "cloverleaf_endpoint_kv_blocks", labels)
    assert held > 10
    httpx.post(f"{engine.url}/reset_prefix_cache", timeout=60).raise_for_status()
    body = {"model": "tiny", "prompt": long_prompt(100), "max_tokens": 1}
    httpx.post(f"{engine.url}/v1/completions", json=body, timeout=120).raise_for_status()  # told with the next step

    async def fewer() -> bool:
        return await counter(routed, "cloverleaf_endpoint_kv_blocks", labels) < held

    await until(fewer, WITHIN)
