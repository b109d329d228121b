"""Policies through a running gateway: what is configured is what happens."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from gateway.config.names import PRESETS
from tests.contracts.client import ask, chat, connected
from tests.contracts.scripted import ANSWER, Call, Script, Upstream, error, upstream, whole
from tests.contracts.serving import Running, running, until

EMBEDDED = """
deployments:
  a: {provider: embedded, model: m, replicas: 2}
  b: {provider: embedded, model: m}
models:
  m: {deployments: [[a, b]], policy: %s}
"""


async def places(gateway: Running, *requests: bytes) -> Counter[str]:
    """Which deployment answered each, in turn."""
    went: Counter[str] = Counter()
    async with connected(gateway.port) as client:
        for request in requests:
            reply = await client.ask(request)
            assert reply.status == 200, reply.body
            went[reply.headers["x-cloverleaf-deployment"]] += 1
    return went


@pytest.mark.parametrize("kind", sorted(PRESETS))
@pytest.mark.parametrize("streamed", [False, True])
async def test_every_preset_serves(kind: str, streamed: bool) -> None:
    async with running(EMBEDDED % kind) as gateway:
        went = await places(gateway, *[chat(stream=streamed, max_tokens=2)] * 6)
        assert went.total() == 6
        loads = gateway.gateway.live.loads.values()
        assert all(load.in_flight == load.in_flight_tokens == 0 for load in loads)
        if kind == "order":
            assert went == {"a": 6}
        if kind in ("peak_ewma", "prequal", "lowest_latency", "highest_throughput"):
            heard = [load.speed.latency(streamed).ewma.mean for load in loads if load.speed is not None]
            assert len(heard) == 3 and max(heard) > 0.0
        else:
            assert all(load.speed is None for load in loads)


async def test_weights_share_the_traffic() -> None:
    async with upstream(whole(ANSWER)) as first, upstream(whole(ANSWER)) as second:
        text = f"""
deployments:
  a: {{provider: openai_compatible, model: m, base_url: "{first.url}", weight: 3}}
  b: {{provider: openai_compatible, model: m, base_url: "{second.url}"}}
  off: {{provider: openai_compatible, model: m, base_url: "{second.url}", weight: 0}}
models: {{m: {{deployments: [[a, b, off]], policy: weighted}}}}
"""
        async with running(text) as gateway:
            went = await places(gateway, *[chat()] * 200)
    assert 120 <= went["a"] <= 180  # three quarters of them
    assert went["off"] == 0


COMPOSED = """
deployments:
  eu: {provider: embedded, model: m, tags: [eu]}
  us: {provider: embedded, model: m}
models: {m: {deployments: [[us, eu]], policy: mine}, other: {deployments: [us], policy: mine}}
policies:
  mine:
    filters: [{kind: capable}, {kind: healthy}, {kind: tagged, any: [eu]}]
    sample: 2
    scorers: [{kind: peak_ewma, weight: 2}, {kind: token_load}, {kind: kv_headroom}, {kind: prefix_affinity}]
    pick: {kind: softmax, temperature: 0.5}
"""


async def test_a_composed_policy_decides_and_what_a_filter_refuses_is_never_asked() -> None:
    async with running(COMPOSED) as gateway:
        assert await places(gateway, *[chat(max_tokens=1)] * 5) == {"eu": 5}
        reply = await ask(gateway.port, chat("other"))
        assert (reply.status, reply.json["error"]["code"]) == (503, "no_endpoint")


def two_clouds(first: str, second: str, policy: str, more: str = "") -> str:
    return f"""
deployments:
  dear: {{provider: openai_compatible, model: m, base_url: "{first}", price: {{input: 5, output: 9}}{more}}}
  cheap: {{provider: openai_compatible, model: m, base_url: "{second}", price: {{input: 1, output: 2}}}}
models: {{m: {{deployments: [dear, cheap], policy: {policy}}}}}
"""


@asynccontextmanager
async def clouds(
    policy: str, more: str = "", script: Script | None = None, door: str = "hot"
) -> AsyncIterator[tuple[Running, Upstream, Upstream]]:
    """A gateway before two clouds, the first answering by the script."""
    async with upstream(script or whole(ANSWER)) as first, upstream(whole(ANSWER)) as second:
        text = two_clouds(first.url, second.url, policy, more)
        async with running(text, door) as gateway:
            yield gateway, first, second


async def test_the_lowest_cost_is_found_across_tiers() -> None:
    async with clouds("lowest_cost") as (gateway, _, _):
        assert await places(gateway, *[chat()] * 5) == {"cheap": 5}


async def test_a_cloud_that_has_the_prompt_in_its_cache_is_cheaper() -> None:
    """Two alike: a conversation's next turn costs a tenth where its turn before was."""
    async with upstream(whole(ANSWER)) as first, upstream(whole(ANSWER)) as second:
        alike = "provider: openai_compatible, model: m, price: {input: 1, cached_input: 0.1, output: 1}"
        text = f"""
deployments:
  a: {{{alike}, base_url: "{first.url}"}}
  b: {{{alike}, base_url: "{second.url}"}}
models: {{m: {{deployments: [[a, b]], policy: lowest_cost}}}}
"""
        async with running(text) as gateway:
            homes = set()
            for talk in range(10):
                said = [{"role": "user", "content": f"conversation {talk} " + "word " * 500}]
                more = [*said, {"role": "user", "content": "and then?"}]
                (home,) = await places(gateway, chat(messages=said, max_tokens=1))
                assert await places(gateway, *[chat(messages=more, max_tokens=1)] * 2) == {home: 2}
                homes.add(home)
    assert homes == {"a", "b"}


async def test_an_own_engine_costs_nothing_more_when_its_hours_are_paid() -> None:
    async with upstream(whole(ANSWER)) as first, upstream(whole(ANSWER)) as second:
        text = f"""
deployments:
  cloud: {{provider: openai_compatible, model: m, base_url: "{first.url}", price: {{input: 0.01, output: 0.01}}}}
  own: {{provider: openai_compatible, model: m, base_url: "{second.url}", cost: {{per_hour: 2.5}}}}
  unknown: {{provider: openai_compatible, model: m, base_url: "{second.url}"}}
models:
  m: {{deployments: [[unknown, cloud, own]], policy: lowest_cost}}
  n: {{deployments: [[unknown, cloud]], policy: lowest_cost}}
"""
        async with running(text) as gateway:
            assert await places(gateway, *[chat()] * 5) == {"own": 5}
            assert await places(gateway, *[chat("n")] * 5) == {"cloud": 5}


async def test_the_lowest_latency_is_learned_from_answers() -> None:
    """The slow one answers when the other has answered twenty more."""
    answered, held = 0, asyncio.Event()

    async def slow(call: Call) -> None:
        await held.wait()
        await whole(ANSWER)(call)

    async with clouds("lowest_latency", script=slow) as (gateway, first, _):

        async def one() -> None:
            nonlocal answered
            await places(gateway, chat())
            answered += 1

        asked: list[asyncio.Task[None]] = []
        since = 0  # answered when the slow one was first asked
        while not first.calls or answered < since + 20:
            asked.append(asyncio.create_task(one()))
            await until(lambda: len(first.calls) + answered == len(asked))
            since = since or answered * bool(first.calls)
        held.set()
        await asyncio.gather(*asked)
        assert await places(gateway, *[chat()] * 10) == {"cheap": 10}


async def test_an_endpoint_that_fails_fast_does_not_look_quick() -> None:
    async with clouds("lowest_latency", script=error(500)) as (gateway, first, _):
        await places(gateway, *[chat()] * 12)
        calls = len(first.calls)
        await places(gateway, *[chat()] * 10)
        assert len(first.calls) == calls


# rates


async def test_a_deployment_at_its_rate_is_passed_over_before_it_says_so(door: str) -> None:
    async with clouds("order", ", rpm: 3", door=door) as (gateway, first, _):
        assert await places(gateway, *[chat()] * 5) == {"dear": 3, "cheap": 2}
        assert len(first.calls) == 3


async def test_tokens_count_as_the_upstream_counted_them() -> None:
    """Each answer tells 1500 tokens, though the prompt looked like few."""
    async with clouds("order", ", tpm: 2000") as (gateway, _, _):
        assert await places(gateway, *[chat()] * 4) == {"dear": 2, "cheap": 2}


async def test_when_every_place_is_at_its_rate_the_client_learns_when_to_come_back(door: str) -> None:
    async with upstream(whole(ANSWER)) as up:
        text = f"""
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{up.url}", rpm: 2}}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text, door) as gateway, connected(gateway.port) as client:
            assert [(await client.ask(chat())).status for _ in range(2)] == [200, 200]
            reply = await client.ask(chat())
        assert reply.status == 429
        assert reply.json["error"]["type"] == "rate_limit_error"
        assert 50 <= int(reply.headers["retry-after"]) <= 60
        assert len(up.calls) == 2


# context windows


async def test_a_prompt_goes_where_it_fits() -> None:
    async with clouds("order", ", context_window: 100") as (gateway, _, _):
        assert await places(gateway, chat(max_tokens=10)) == {"dear": 1}
        assert await places(gateway, chat(max_tokens=100)) == {"cheap": 1}
        assert await places(gateway, chat(messages=[{"role": "user", "content": "word " * 200}])) == {"cheap": 1}


async def test_a_prompt_that_is_too_long_goes_to_the_larger_model_at_once() -> None:
    async with upstream(error(400, code="context_length_exceeded")) as first, upstream(whole(ANSWER)) as second:
        text = f"""
deployments:
  small: {{provider: openai_compatible, model: m, base_url: "{first.url}", context_window: 50}}
  large: {{provider: openai_compatible, model: m, base_url: "{second.url}"}}
models: {{m: {{deployments: [small], context_window_fallbacks: [l]}}, l: {{deployments: [large]}}}}
"""
        async with running(text) as gateway:
            assert await places(gateway, chat(max_tokens=60)) == {"large": 1}
            assert not first.calls


# conversations


@pytest.mark.parametrize(
    "named",
    [
        lambda n: chat("m", f"x-session-id: s{n}", max_tokens=1),
        lambda n: chat(user=f"u{n}", max_tokens=1),
        lambda n: chat(prompt_cache_key=f"k{n}", max_tokens=1),
        lambda n: chat(metadata={"session_id": f"s{n}"}, max_tokens=1),
        lambda n: chat(messages=[{"role": "user", "content": f"Number {n}"}], max_tokens=1),
    ],
    ids=["header", "user", "cache-key", "metadata", "beginning"],
)
async def test_a_conversation_stays_with_its_engine_and_conversations_spread(named) -> None:  # type: ignore[no-untyped-def]
    async with running(EMBEDDED % "session") as gateway, connected(gateway.port) as client:
        homes = []
        for n in range(12):
            for _ in range(2):
                await client.ask(named(n))
            await until(lambda seen=2 * (n + 1): len(gateway.requests()) == seen)
            urls = {line["endpoint"] for line in gateway.requests()[-2:]}
            assert len(urls) == 1
            homes.append(urls.pop())
    assert len(set(homes)) > 1


async def test_learned_speed_and_rates_survive_a_reload_that_still_needs_them() -> None:
    async with clouds("lowest_latency", ", rpm: 100") as (gateway, _, _):
        await places(gateway, *[chat()] * 4)
        live, config = gateway.gateway.live, gateway.gateway.catalog.config
        speeds = {id: load.speed for id, load in live.loads.items()}
        rates = live.pools["dear"].rates
        await gateway.app.swap(config)
        assert all(live.loads[id].speed is speed is not None for id, speed in speeds.items())
        assert live.pools["dear"].rates is rates is not None
        plain = msgspec.structs.replace(config.models["m"], policy="order")
        await gateway.app.swap(msgspec.structs.replace(config, models={"m": plain}))
        assert all(load.speed is None for load in live.loads.values())


async def test_a_fallback_model_gets_what_its_own_policy_needs() -> None:
    """The first model's policy asks for no conversation, its fallback's does."""
    async with upstream(error(500)) as first, upstream(whole(ANSWER)) as second, upstream(whole(ANSWER)) as third:
        text = f"""
deployments:
  broken: {{provider: openai_compatible, model: m, base_url: "{first.url}"}}
  b: {{provider: openai_compatible, model: m, base_url: "{second.url}"}}
  c: {{provider: openai_compatible, model: m, base_url: "{third.url}"}}
models:
  m: {{deployments: [broken], fallbacks: [n]}}
  n: {{deployments: [[b, c]], policy: session}}
"""
        async with running(text) as gateway:
            went = await places(gateway, *[chat(user="ada")] * 20)
    assert len(went) == 1
