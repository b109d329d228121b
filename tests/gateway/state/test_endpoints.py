"""The registry: endpoints appear, drain and vanish while the gateway serves, and a reload is the same three steps."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from backends.engine.server import Engine, EngineOptions
from gateway import clock
from gateway.recording.instruments import UP
from gateway.reporting.monitor import not_ready
from gateway.reporting.telemetry.readings import readings
from gateway.state.endpoints import MOST, PAST
from policies.selection.model import Id, Tier
from policies.vocabulary.types import Deployment
from tests.contracts.client import ask, chat, connected
from tests.contracts.scripted import ANSWER, Call, begin, upstream, whole
from tests.contracts.serving import Running, configured, running, until
from tests.gateway.state.world import following

CHAT = frozenset({"chat"})
POOL = Deployment("pool", "vllm", "m", CHAT)


def pool(*urls: str, more: str = "") -> str:
    endpoints = ", ".join(f'"{url}"' for url in urls)
    return f"""
deployments: {{pool: {{provider: vllm, model: m, endpoints: [{endpoints}]{more}}}}}
models: {{m: {{deployments: [pool], policy: round_robin}}}}
"""


@asynccontextmanager
async def engines(count: int) -> AsyncIterator[list[str]]:
    made = [Engine(EngineOptions(model="m", speed=100.0)) for _ in range(count)]
    try:
        yield [await each.start() for each in made]
    finally:
        for each in made:
            await each.stop()


async def asked(gateway: Running, count: int = 6) -> set[str]:
    """Where so many requests were answered."""
    before = len(gateway.requests())
    for _ in range(count):
        assert (await ask(gateway.port, chat(max_tokens=2))).status == 200
    await until(lambda: len(gateway.requests()) == before + count)
    return {line["endpoint"] for line in gateway.requests()[before:]}


def shown(gateway: Running) -> set[str]:
    """The endpoints that status, metrics and probes tell of, which are the same."""
    reported = {each.url for deployment in gateway.app.monitor.report().deployments for each in deployment.endpoints}
    measured = {labels[1] for instrument, labels, _ in readings(gateway.gateway, clock.now()) if instrument is UP}
    probed = {url for _, url in gateway.app.live.counters.probed}
    assert reported == measured == probed
    return reported


async def test_an_endpoint_added_at_run_time_takes_traffic_and_is_probed_without_a_reload() -> None:
    async with engines(2) as (one, two), running(pool(one)) as gateway:
        assert await asked(gateway) == {one}
        added = gateway.app.live.add("pool", two)
        assert await asked(gateway) == {one, two}
        await until(lambda: added.load.scraped.running is not None)
        assert shown(gateway) == {one, two}


async def test_one_that_drains_gets_no_new_request_and_its_stream_finishes() -> None:
    go_on = asyncio.Event()

    async def slow(call: Call) -> None:
        await begin(call)
        await call.chunk(b'data: {"choices":[{"index":0,"delta":{"content":"so"}}]}\n\n')
        await go_on.wait()
        await call.chunk(b'data: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n')
        await call.send(b"0\r\n\r\n")

    async with upstream(slow, whole(ANSWER)) as one, upstream(whole(ANSWER)) as two:
        text = f"""
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{one.url}"}}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text) as gateway, connected(gateway.port) as client:
            live = gateway.app.live
            client.send(chat(stream=True))
            await client.head()
            assert b"so" in await client.chunk()
            live.add("d", two.url)
            live.drain(("d", one.url))
            assert await asked(gateway, 3) == {two.url}
            assert live.endpoints.loads["d", one.url].in_flight == 1
            go_on.set()
            assert b"[DONE]" in await client.rest()
            await until(lambda: len(gateway.requests()) == 4)
            assert len(one.calls) == 1
            live.add("d", one.url)
            live.drain(("d", two.url))
            assert await asked(gateway, 3) == {one.url}


async def test_one_that_is_removed_vanishes_from_traffic_status_metrics_and_probes() -> None:
    async with engines(2) as (one, two), running(pool(one, two)) as gateway:
        assert await asked(gateway) == {one, two}
        gateway.app.live.remove(("pool", one))
        assert await asked(gateway) == {two}
        assert shown(gateway) == {two}
        gateway.app.live.remove(("pool", two))
        assert (await ask(gateway.port, chat())).status == 503
        assert not_ready(gateway.gateway) == "no endpoint is up"
        with pytest.raises(KeyError):
            gateway.app.live.remove(("pool", two))
        with pytest.raises(KeyError):
            gateway.app.live.add("nobody's", two)


async def test_what_was_learned_of_an_endpoint_survives_its_absence() -> None:
    policy = "policies: {p: {kind: slo_cost}}\n"
    async with engines(1) as (one,), running(pool(one).replace("round_robin", "p") + policy) as gateway:
        live = gateway.app.live
        await asked(gateway)
        predictor = live.endpoints.loads["pool", one].predictor
        assert predictor is not None
        live.remove(("pool", one))
        live.add("pool", one)
        assert await asked(gateway) == {one}
        assert live.endpoints.loads["pool", one].predictor is predictor


async def test_a_reload_keeps_what_was_added_and_drops_what_it_no_longer_names() -> None:
    async with engines(3) as (one, two, three), running(pool(one, two)) as gateway:
        gateway.app.live.add("pool", three)
        await gateway.app.swap(configured(pool(two)))
        assert await asked(gateway) == {two, three}
        assert shown(gateway) == {two, three}
        other = pool(two).replace("pool", "another")
        await gateway.app.swap(configured(other))
        assert await asked(gateway) == {two}


def test_an_account_s_requests_go_to_no_other_account_s_endpoints() -> None:
    """A request begun before a reload is retried after it: with a credential that is not the new one's."""
    ours = Deployment("d", "openai", "m", CHAT, account="ours")
    live = following({ours: ["https://ours"]})
    tier = Tier.of([ours])
    assert [c.id[1] for c in live.endpoints.tiers[tier.key].all] == ["https://ours"]
    following({Deployment("d", "openai", "m", CHAT, account="theirs"): ["https://theirs"]}, live=live)
    assert not live.endpoints.tiers[tier.key].all


def test_a_request_begun_before_a_reload_that_changes_a_credential_may_still_be_retried() -> None:
    """It waited in line, or its first attempt failed: its own credential is good where it was good before."""
    old, new = (Deployment("d", "openai", "m", CHAT, account=account) for account in ("old", "new"))
    live = following({old: ["https://a", "https://b"]})
    following({new: ["https://a"]}, live=live)
    (left,) = live.endpoints.tiers[Tier.of([old]).key].all
    assert left.id == ("d", "https://a")
    live.drain(left.id)
    assert not live.endpoints.tiers[Tier.of([old]).key].all
    live.add("d", "https://a")
    following({new: ["https://a"]}, live=live)
    assert not live.endpoints.tiers[Tier.of([old]).key].all, "it was two reloads ago"
    assert live.endpoints.tiers[Tier.of([new]).key].all


def test_views_and_memories_are_bounded_however_many_come_and_go() -> None:
    live = following({POOL: ["http://0"]})
    for n in range(MOST + 10):
        live.endpoints.tiers[f"made up by a client {n}"]
    assert len(live.endpoints.tiers) <= MOST
    ids: list[Id] = [live.add("pool", f"http://{n}").id for n in range(1, PAST + 10)]
    for id in ids:
        live.remove(id)
    assert sum(live.endpoints.knows(id) for id in ids) == PAST
    assert live.endpoints.knows(("pool", "http://0"))
