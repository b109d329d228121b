"""Precise prefix routing over real ZeroMQ sockets: what engines tell is what is routed by, and its loss shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import msgspec
import pytest

from backends.engine.server import Engine, EngineOptions
from backends.request.prompt_blocks import prompt_blocks
from gateway.state.prompt_caches import PromptCaches
from tests.contracts.client import Client, Reply, chat, connected
from tests.contracts.serving import Running, admin, configured, running, until
from tests.facts import facts_of
from tests.publisher import Publisher, stored

LINES = ("authorization: Bearer sk-a", "x-cloverleaf-explain: 1")


def config(urls: list[str], kv_events: str) -> str:
    return f"""
auth: {{keys: [{{name: a, key: sk-a, models: ["*"], explain: true}}]}}
deployments: {{pool: {{provider: vllm, model: m, endpoints: {urls}, scrape: 50ms, kv_events: "{kv_events}"}}}}
models: {{m: {{deployments: [pool], policy: prefix}}}}
"""


class Pool:
    """Embedded engines; each publishes its cache events at a socket that is named after its port."""

    def __init__(self, directory: Path, publishes: bool = True) -> None:
        self.place = f"ipc://{directory}/{{port}}"
        self._options = EngineOptions(model="m", speed=100.0, kv_events=self.place if publishes else None)
        self.engines: dict[str, Engine] = {}

    async def start(self, url: str = "") -> str:
        """One more, or one that was stopped."""
        engine = Engine(self._options)
        url = await engine.start(port=urlsplit(url).port or 0)
        self.engines[url] = engine
        return url

    async def stop(self, url: str) -> None:
        await self.engines.pop(url).stop()


@asynccontextmanager
async def engines(directory: Path, size: int, publishes: bool = True) -> AsyncIterator[Pool]:
    pool = Pool(directory, publishes)
    try:
        for _ in range(size):
            await pool.start()
        yield pool
    finally:
        for url in list(pool.engines):
            await pool.stop(url)


@asynccontextmanager
async def pooled(directory: Path, size: int = 2) -> AsyncIterator[tuple[Running, Pool, Client]]:
    """A gateway in front of engines whose events are heard from the first word on, the size of their blocks known."""
    async with engines(directory, size) as pool, running(config(list(pool.engines), pool.place)) as gateway:
        await until(lambda: states(gateway) == ["live"] * size)
        async with httpx.AsyncClient() as http:
            for url in pool.engines:
                await http.post(f"{url}/v1/completions", json={"prompt": "hello " * 50, "max_tokens": 1})
        await until(lambda: all(caches(gateway).mirror(id).size for id in caches(gateway).of))
        async with connected(gateway.port) as client:
            yield gateway, pool, client


@asynccontextmanager
async def published(directory: Path) -> AsyncIterator[tuple[Running, Publisher, Client]]:
    """A gateway in front of one engine that publishes nothing, and of somebody else who publishes in its place."""
    publisher = Publisher()
    try:
        async with (
            engines(directory, 1, publishes=False) as pool,
            running(config(list(pool.engines), publisher.place)) as gateway,
            connected(gateway.port) as client,
        ):
            await publisher.subscribed()
            await until(lambda: states(gateway) == ["live"])  # it has computed nothing yet
            yield gateway, publisher, client
    finally:
        publisher.close()


def caches(gateway: Running) -> PromptCaches:
    return gateway.gateway.live.caches


def states(gateway: Running) -> list[str]:
    known = caches(gateway)
    return [known.mirror(id).state for id in known.of]


def said(topic: int, turn: int = 0) -> list[dict[str, str]]:
    """A conversation that grows: each turn holds the turns before it."""
    return [
        {"role": "user", "content": f"topic {topic}, question {n}: " + f"word{topic}-{n} " * 100}
        for n in range(turn + 1)
    ]


async def ask(client: Client, topic: int, turn: int = 0) -> Reply:
    reply = await client.ask(chat("m", *LINES, messages=said(topic, turn), max_tokens=4))
    assert reply.status == 200, reply.body
    return reply


def told(gateway: Running, topic: int, turn: int = 0) -> set[str]:
    """The endpoints that are known to hold all of a turn's full blocks."""
    blocks = prompt_blocks(facts_of(messages=said(topic, turn)))
    precise = next(iter(caches(gateway).of.values()))
    depth, reach = precise.chains.find(blocks)
    if reach is None or depth < len(blocks):
        return set()
    found = precise.holders.match(reach.chain.names, reach.count)
    return {id[1] for id, count in found.items() if count == reach.count}


async def learned(gateway: Running, client: Client, topic: int, turn: int = 0) -> Reply:
    """Sent, and then known to be held where it was sent."""
    reply = await ask(client, topic, turn)
    await until(lambda: place(reply) in told(gateway, topic, turn))
    return reply


def decision(reply: Reply) -> Any:
    return msgspec.json.decode(reply.headers["x-cloverleaf-decision"])


def chosen(reply: Reply) -> Any:
    (row,) = [row for row in decision(reply)["considered"] if row["chosen"]]
    return row


def place(reply: Reply) -> str:
    return str(chosen(reply)["endpoint"])


def cached(reply: Reply) -> int:
    return int(reply.json["usage"]["prompt_tokens_details"]["cached_tokens"])


async def signal(gateway: Running, client: Client, topic: int) -> str:
    """What a request's knowledge of caches was read from."""
    before = caches(gateway).signals.copy()
    await ask(client, topic)
    ((_, found),) = caches(gateway).signals - before
    return str(found.value)


async def seen(gateway: Running, path: str) -> httpx.Response:
    """What the admin port says."""
    async with admin(gateway) as client:
        return await client.get(path)


async def shown(gateway: Running) -> list[str | None]:
    """What the status says of each endpoint's events."""
    report = (await seen(gateway, "/api/status")).json()
    return [endpoint["kv_events"] for each in report["deployments"] for endpoint in each["endpoints"]]


def events(gateway: Running) -> list[str]:
    """What was logged of sources."""
    gateway.app.log.flush()
    lines = [msgspec.json.decode(line) for line in gateway.log.getvalue().splitlines()]
    return [line["message"] for line in lines if line["event"] == "kv_events"]


async def test_a_conversation_goes_where_its_engine_says_its_prefix_is(tmp_path: Path) -> None:
    async with pooled(tmp_path) as (gateway, _, client):
        homes = [place(await learned(gateway, client, topic)) for topic in range(3)]
        for turn in range(1, 4):
            for topic, home in enumerate(homes):
                reply = await learned(gateway, client, topic, turn)
                assert place(reply) == home
                assert decision(reply)["signal"] == "precise"
                assert abs(chosen(reply)["features"]["cached_tokens"] - cached(reply)) <= 32
                assert cached(reply) > 0.4 * reply.json["usage"]["prompt_tokens"]
        assert await shown(gateway) == ["live", "live"]
        text = (await seen(gateway, "/metrics")).text
    assert 'cloverleaf_prefix_reads_total{gen_ai_request_model="m",signal="precise"} 12' in text
    assert 'cloverleaf_kv_prompts_total{deployment="pool",result="learned"} 12' in text
    assert text.count("cloverleaf_endpoint_kv_events_live{") == 2


async def test_what_an_engine_dropped_is_not_believed_to_be_there(tmp_path: Path) -> None:
    """It sleeps and wakes: by its own word its cache is empty, though the prompt was sent there a moment ago."""
    async with pooled(tmp_path, size=1) as (gateway, pool, client):
        (url,) = pool.engines
        await learned(gateway, client, 0)
        assert await signal(gateway, client, 0) == "precise"
        async with httpx.AsyncClient() as http:
            for path in ("sleep", "wake_up"):
                await http.post(f"{url}/{path}")
        await until(lambda: not told(gateway, 0) and states(gateway) == ["live"])
        assert await signal(gateway, client, 0) == "precise"


async def test_an_engine_that_was_restarted_holds_nothing_and_is_known_again(tmp_path: Path) -> None:
    async with pooled(tmp_path) as (gateway, pool, client):
        home = place(await learned(gateway, client, 0))
        other = next(url for url in pool.engines if url != home)
        await pool.stop(home)
        await until(lambda: not told(gateway, 0))
        assert sorted(states(gateway)) == ["live", "missing"]
        await until(lambda: gateway.gateway.live.endpoints.loads["pool", home].down)
        meanwhile = await ask(client, 0)
        assert place(meanwhile) == other
        await pool.start(home)
        await until(lambda: states(gateway) == ["live", "live"])
        await until(lambda: told(gateway, 0) == {other})
        text = (await seen(gateway, "/metrics")).text
        assert f'cloverleaf_kv_purges_total{{deployment="pool",endpoint="{home}",cause="lost"}} 1' in text
        reply = await ask(client, 0)
        assert (place(reply), decision(reply)["signal"]) == (other, "precise")


async def test_a_gap_empties_what_was_told_and_the_guess_takes_over(tmp_path: Path) -> None:
    async with published(tmp_path) as (gateway, publisher, client):
        known, (id,) = caches(gateway), caches(gateway).of
        publisher.events(0, stored([1, 2], None, list(range(32))))
        await until(lambda: len(known.mirror(id).names) == 2)
        publisher.events(2, stored([4], 3, list(range(16))))
        await until(lambda: states(gateway) == ["partial"])
        assert not known.mirror(id).names
        assert [await signal(gateway, client, 0) for _ in range(2)] == ["prefix", "prefix"]
        assert await shown(gateway) == ["partial"]
        text = (await seen(gateway, "/metrics")).text
        assert f'cloverleaf_kv_purges_total{{deployment="pool",endpoint="{id[1]}",cause="gap"}} 1' in text
        assert 'cloverleaf_prefix_reads_total{gen_ai_request_model="m",signal="prefix"} 2' in text
        publisher.events(3, {"type": "AllBlocksCleared"})
        await until(lambda: states(gateway) == ["live"])


@pytest.mark.parametrize("frames", [(b"hello",), (b"", bytes(8), b"\xc1"), (b"", bytes(8), b"\x93\x01\x02\x03")])
async def test_garbage_is_counted_and_costs_what_was_told_but_no_request(tmp_path: Path, frames: tuple[bytes]) -> None:
    async with published(tmp_path) as (gateway, publisher, client):
        (id,) = caches(gateway).of
        publisher.events(0, stored([1, 2], None, list(range(32))))
        publisher.say(*frames)
        await until(lambda: caches(gateway).garbage[id] == 1)
        assert not caches(gateway).mirror(id).names
        assert (await ask(client, 0)).status == 200
        publisher.events(1, {"type": "AllBlocksCleared"})
        await until(lambda: states(gateway) == ["live"])
        text = (await seen(gateway, "/metrics")).text
    assert f'cloverleaf_kv_garbage_total{{deployment="pool",endpoint="{id[1]}"}} 1' in text


async def test_what_comes_faster_than_it_is_read_is_missed_and_the_gap_is_seen(tmp_path: Path) -> None:
    """Far more than is kept for a gateway that does not read: it is busy sending it, on the one event loop."""
    async with published(tmp_path) as (gateway, publisher, client):
        (id,) = caches(gateway).of
        for seq in range(60_000):
            publisher.events(seq, stored([seq], None, [seq] * 16))
        while not caches(gateway).mirror(id).purges:
            assert (await ask(client, 0)).status == 200
            seq += 1
            publisher.events(seq)
        mirror = caches(gateway).mirror(id)
        assert set(mirror.purges) == {"gap"}
        assert mirror.state == "partial"
        assert len(mirror.names) <= mirror.room


async def test_a_source_that_is_missing_shows_and_its_engine_is_guessed(tmp_path: Path) -> None:
    async with (
        engines(tmp_path, 2, publishes=False) as pool,
        running(config(list(pool.engines), pool.place)) as gateway,
        connected(gateway.port) as client,
    ):
        first, second = await ask(client, 0), await ask(client, 0)
        assert place(first) == place(second)
        assert [decision(reply)["signal"] for reply in (first, second)] == ["prefix", "prefix"]
        assert await shown(gateway) == ["missing", "missing"]
        text = (await seen(gateway, "/metrics")).text
        assert text.count("cloverleaf_endpoint_kv_events_live{") == 2
        assert all(f'endpoint="{url}"}} 0' in text for url in pool.engines)
        await until(lambda: len(events(gateway)) == 2)
    assert all("nothing listens at kv_events" in line for line in events(gateway))


async def test_a_publisher_that_never_says_a_word_shows(tmp_path: Path) -> None:
    """The port is another's, or the engine was started without its flag."""
    async with published(tmp_path) as (gateway, _, client):
        for topic in range(12):
            await ask(client, 100 + topic)
        assert states(gateway) == ["silent"]
        assert await signal(gateway, client, 0) == "prefix"
        await until(lambda: any("although it serves requests" in line for line in events(gateway)))


async def test_an_engine_that_does_not_tokenize_is_guessed(tmp_path: Path) -> None:
    async with pooled(tmp_path, size=1) as (gateway, pool, client):
        async with httpx.AsyncClient() as http:
            for url in pool.engines:
                await http.post(f"{url}/fault", json={"kind": "status", "status": 404, "family": "tokenize"})
        await ask(client, 0)
        await until(lambda: caches(gateway).prompts["pool", "failed"])
        assert await signal(gateway, client, 0) == "prefix"
        assert chosen(await ask(client, 0))["features"]["cached_tokens"] > 0
        assert not caches(gateway).prompts["pool", "learned"]
        (line,) = [line for line in events(gateway) if "does not tokenize prompts" in line]
        assert line.endswith("/tokenize answered 404")


async def test_a_reload_keeps_what_was_told_and_drops_what_is_no_longer_asked_for(tmp_path: Path) -> None:
    async with pooled(tmp_path) as (gateway, pool, client):
        home = place(await learned(gateway, client, 0))
        text = config(list(pool.engines), pool.place)
        await gateway.app.swap(configured(text))
        assert told(gateway, 0) == {home}
        fewer = [url for url in pool.engines if url != home]
        await gateway.app.swap(configured(config(fewer, pool.place)))
        assert not told(gateway, 0)
        assert [id[1] for id in caches(gateway).of] == fewer
        await learned(gateway, client, 1)
        await gateway.app.swap(configured(text.replace("policy: prefix", "policy: round_robin")))
        assert not caches(gateway).of
        await gateway.app.swap(configured(text))
        await until(lambda: "missing" not in states(gateway))
        assert (await ask(client, 2)).status == 200


async def test_a_stream_of_events_holds_no_request_up(tmp_path: Path) -> None:
    async with published(tmp_path) as (gateway, publisher, client):
        (id,) = caches(gateway).of

        async def flood() -> None:
            for seq in range(2_000):
                publisher.events(seq, stored([seq], None, [seq] * 16))
                if seq % 20 == 0:  # a publisher throws away what is too far ahead of its reader
                    await until(lambda: len(caches(gateway).mirror(id).names) > seq - 500)  # noqa: B023

        flooding = asyncio.create_task(flood())
        answered = 0
        while not flooding.done():
            answered += (await ask(client, 0)).status == 200
        await until(lambda: len(caches(gateway).mirror(id).names) == 2_000)
        assert answered
