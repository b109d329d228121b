"""Health. Rule: a place that errs is left alone for a while, one that is gone is out at once, and both come back."""

import asyncio
from urllib.parse import urlsplit

from backends.engine.server import Engine, EngineOptions
from gateway import clock
from gateway.reporting.monitor import not_ready
from policies.load.breaker import State
from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, Call, error, silent, upstream, whole
from tests.contracts.serving import Running, running, until


def up(gateway: Running, deployment: str) -> bool:
    report = gateway.app.monitor.report()
    return all(endpoint.up for each in report.deployments if each.name == deployment for endpoint in each.endpoints)


async def answered_by(gateway: Running, **fields: object) -> str:
    reply = await ask(gateway.port, chat(max_tokens=3, **fields))
    assert reply.status == 200
    return reply.headers["x-cloverleaf-deployment"]


async def test_a_place_that_errs_is_left_alone_and_asked_again_later() -> None:
    async with upstream(error(500), error(500), whole(ANSWER)) as first, upstream(whole(ANSWER)) as second:
        text = f"""
defaults: {{breaker: {{failures: 2, open_for: 500ms}}}}
deployments:
  first: {{provider: openai_compatible, model: m, base_url: "{first.url}"}}
  second: {{provider: openai_compatible, model: m, base_url: "{second.url}", api_key: other}}
models: {{m: {{deployments: [first, second]}}}}
"""
        async with running(text) as gateway:
            assert await answered_by(gateway) == "second"  # a try and a retry: the breaker opens
            assert len(first.calls) == 2
            assert await answered_by(gateway) == "second"
            assert len(first.calls) == 2
            while await answered_by(gateway) == "second":
                pass
            assert len(first.calls) == 3
            assert await answered_by(gateway) == "first"


async def test_an_attempt_older_than_the_trip_does_not_end_the_probe() -> None:
    """It fails while the probe is under way: nobody else is let through, and the probe's own word counts."""
    old_fails, probe_ends = asyncio.Event(), asyncio.Event()

    async def old(call: Call) -> None:
        await old_fails.wait()
        await error(500)(call)

    async def probe(call: Call) -> None:
        await probe_ends.wait()
        await whole(ANSWER)(call)

    async with upstream(old, error(500), probe, silent) as first, upstream(whole(ANSWER)) as second:
        text = f"""
defaults: {{breaker: {{failures: 1, open_for: 200ms}}, retry: {{attempts: 0}}}}
deployments:
  first: {{provider: openai_compatible, model: m, base_url: "{first.url}"}}
  second: {{provider: openai_compatible, model: m, base_url: "{second.url}", api_key: other}}
models: {{m: {{deployments: [first, second]}}}}
"""
        async with running(text) as gateway:
            older = asyncio.create_task(answered_by(gateway))
            await until(lambda: len(first.calls) == 1)
            assert await answered_by(gateway) == "second"  # the breaker opens
            (breaker,) = (b for load in gateway.app.live.endpoints.loads.values() for b in load.breakers.values())
            await until(lambda: breaker.at(clock.now()) is State.HALF_OPEN)
            probing = asyncio.create_task(answered_by(gateway))
            await until(lambda: len(first.calls) == 3)
            old_fails.set()
            assert await older == "second"
            assert await answered_by(gateway) == "second"
            assert len(first.calls) == 3
            probe_ends.set()
            assert await probing == "first"
            assert breaker.state is State.CLOSED


async def test_rate_limits_open_no_breaker() -> None:
    async with upstream(error(429, "retry-after-ms: 1")) as up:
        text = f"""
defaults: {{breaker: {{failures: 1}}, retry: {{attempts: 0}}}}
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{up.url}"}}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text) as gateway:
            for _ in range(5):
                assert (await ask(gateway.port, chat())).status == 429
            assert not any(
                load.breakers and load.breakers["chat"].row for load in gateway.app.live.endpoints.loads.values()
            )


async def test_an_engine_that_dies_is_out_at_once_and_back_without_a_restart() -> None:
    first, second = (Engine(EngineOptions(model="m", speed=100.0)) for _ in range(2))
    roots = [await first.start(), await second.start()]
    text = f"""
deployments:
  first: {{provider: vllm, model: m, endpoints: ["{roots[0]}"], scrape: 50ms}}
  second: {{provider: vllm, model: m, endpoints: ["{roots[1]}"], scrape: 50ms}}
models: {{m: {{deployments: [first, second]}}}}
"""
    async with running(text) as gateway:
        assert await answered_by(gateway) == "first"
        await first.stop()
        assert await answered_by(gateway) == "second"  # nobody had to wait for a health check
        await until(lambda: not up(gateway, "first"))
        assert not_ready(gateway.gateway) == ""
        first = Engine(EngineOptions(model="m", speed=100.0))
        await first.start("127.0.0.1", urlsplit(roots[0]).port or 0)
        await until(lambda: up(gateway, "first"))
        assert await answered_by(gateway) == "first"
        await second.stop()
        await first.stop()
        await until(lambda: not_ready(gateway.gateway))


async def test_an_engine_that_fails_its_health_check_is_out_until_it_passes_again() -> None:
    engine = Engine(EngineOptions(model="m", speed=100.0))
    root = await engine.start()
    text = f"""
deployments: {{d: {{provider: vllm, model: m, endpoints: ["{root}"], scrape: 50ms}}}}
models: {{m: {{deployments: [d]}}}}
"""
    async with running(text) as gateway:
        port = urlsplit(root).port or 0
        fault = b'{"kind": "health", "status": 503}'
        head = "%s /fault HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n"
        await ask(port, (head % ("POST", len(fault))).encode() + fault)
        await until(lambda: not up(gateway, "d"))
        await ask(port, (head % ("DELETE", 0)).encode())
        await until(lambda: up(gateway, "d"))
        assert await answered_by(gateway) == "d"
    await engine.stop()
