"""An engine that dies under load. Rule: only what a client has begun to read may be lost, and never in silence."""

import asyncio
import os
import signal
from collections.abc import Callable

import httpx
import psutil

from tests.engine.gateway import KEY, Gateway
from tests.engine.listening import ASK, TOKENS, Heard, listen
from tests.engine.metrics import read, until
from tests.engine.status import endpoints, is_up
from tests.engine.vllm import Vllm

BEGUN_WITHIN = 60.0
BACK_WITHIN = 10.0


def raw_client(gateway: Gateway) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=gateway.url, headers={"authorization": f"Bearer {KEY}"}, timeout=120)


async def kill_under_load(http: httpx.AsyncClient, gateway: Gateway, kill: Callable[[], None]) -> None:
    """Eight streams begun, eight whole answers being made, eight of both just asked for: then the death of one that
    has work."""
    streams = [Heard() for _ in range(12)]
    async with asyncio.TaskGroup() as group:
        whole = [group.create_task(http.post("/v1/chat/completions", json=ASK)) for _ in range(8)]
        for heard in streams[:8]:
            group.create_task(listen(http, heard))
        await until(lambda: begun(streams[:8]), BEGUN_WITHIN)
        whole += [group.create_task(http.post("/v1/chat/completions", json=ASK)) for _ in range(4)]
        for heard in streams[8:]:
            group.create_task(listen(http, heard))
        await until(lambda: both_busy(gateway), BEGUN_WITHIN)
        kill()

    for answer in (task.result() for task in whole):
        assert answer.status_code == 200, answer.text
        assert answer.json()["usage"]["completion_tokens"] == TOKENS
    assert all(heard.whole or heard.cut for heard in streams), streams
    assert any(heard.cut for heard in streams), "the engine that died was speaking to someone"
    assert any(heard.whole for heard in streams), "and the other one, too"


async def begun(streams: list[Heard]) -> bool:
    return all(heard.words for heard in streams)


async def both_busy(gateway: Gateway) -> bool:
    """Not "all 24 at once": an engine that is warm may be done with its first eight before the other has begun."""
    loads = sorted(endpoint["in_flight"] for endpoint in (await endpoints(gateway)).values())
    return loads[-2] >= 4


async def ask(http: httpx.AsyncClient, times: int, model: str = "pool-only") -> list[httpx.Response]:
    body = {**ASK, "model": model, "max_tokens": 1}
    return [await http.post("/v1/chat/completions", json=body) for _ in range(times)]


async def test_a_machine_that_dies_costs_only_what_was_being_read(gateway: Gateway, engines: list[Vllm]) -> None:
    victim = engines[0]
    async with raw_client(gateway) as http:
        await kill_under_load(http, gateway, victim.kill)

        for answer in await ask(http, 20):
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-cloverleaf-attempts"] == "1", "nobody tries the dead one first"
        assert not await is_up(gateway, victim)

        victim.start()
        victim.wait_healthy()
        await until(lambda: is_up(gateway, victim), BACK_WITHIN)
        assert all(answer.is_success for answer in await ask(http, 6))
        assert (await read(victim))["vllm:request_success_total"] >= 1, "traffic is back"


async def test_a_core_that_dies_behind_its_server_is_no_clean_end(gateway: Gateway, engines: list[Vllm]) -> None:
    """The server ends its streams with an error and then [DONE]: the first counts. Then the cloud takes over."""
    victim, other = engines
    (core,) = (child for child in psutil.Process(victim.pid).children() if "EngineCore" in " ".join(child.cmdline()))
    async with raw_client(gateway) as http:
        await kill_under_load(http, gateway, lambda: os.kill(core.pid, signal.SIGKILL))
        assert all(answer.is_success for answer in await ask(http, 20))

        other.kill()
        for answer in await ask(http, 6, model="chat"):
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-cloverleaf-deployment"] == "cloud"
        (refused,) = await ask(http, 1)
        assert refused.status_code in {502, 503}
        assert refused.json()["error"]["message"]
