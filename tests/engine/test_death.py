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

BUSY_WITHIN = 60.0
BACK_WITHIN = 10.0


def raw_client(gateway: Gateway) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=gateway.url, headers={"authorization": f"Bearer {KEY}"}, timeout=120)


async def kill_under_load(http: httpx.AsyncClient, gateway: Gateway, victim: Vllm, kill: Callable[[], None]) -> None:
    """Eight clients that stream and four that wait for whole answers, each asking again and again, so that the death of
    an engine finds it at work however fast it is; then each hears its last answer out."""
    streams: list[Heard] = []
    whole: list[httpx.Response] = []
    dead = asyncio.Event()

    async def stream() -> None:
        while not dead.is_set():
            streams.append(heard := Heard())
            await listen(http, heard)

    async def wait() -> None:
        while not dead.is_set():
            whole.append(await http.post("/v1/chat/completions", json=ASK))

    async with asyncio.TaskGroup() as group:
        for client in [stream] * 8 + [wait] * 4:
            group.create_task(client())
        await until(lambda: caught_speaking(gateway, victim, streams), BUSY_WITHIN)
        kill()
        victim.thaw()  # where only a part of it was killed
        dead.set()

    for answer in whole:
        assert answer.status_code == 200, answer.text
        assert answer.json()["usage"]["completion_tokens"] == TOKENS
    assert all(heard.whole or heard.cut for heard in streams), streams
    assert any(heard.cut for heard in streams), "the engine that died was speaking to someone"
    assert any(heard.whole for heard in streams), "and the other one, too"


async def caught_speaking(gateway: Gateway, engine: Vllm, streams: list[Heard]) -> bool:
    """Every stream has its first word, and the engine has more requests than there are clients that do not stream. It
    is frozen when this is so: on crowded cores it could end its streams between the look and the kill."""
    engine.freeze()
    busy = (await endpoints(gateway))[engine.url]["in_flight"] > 4
    if busy and all(heard.words for heard in streams):
        return True
    engine.thaw()
    return False


async def ask(http: httpx.AsyncClient, times: int, model: str = "pool-only") -> list[httpx.Response]:
    body = {**ASK, "model": model, "max_tokens": 1}
    return [await http.post("/v1/chat/completions", json=body) for _ in range(times)]


async def test_a_machine_that_dies_costs_only_what_was_being_read(gateway: Gateway, engines: list[Vllm]) -> None:
    victim = engines[0]
    async with raw_client(gateway) as http:
        await kill_under_load(http, gateway, victim, victim.kill)

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
        await kill_under_load(http, gateway, victim, lambda: os.kill(core.pid, signal.SIGKILL))
        assert all(answer.is_success for answer in await ask(http, 20))

        other.kill()
        for answer in await ask(http, 6, model="chat"):
            assert answer.status_code == 200, answer.text
            assert answer.headers["x-cloverleaf-deployment"] == "cloud"
        (refused,) = await ask(http, 1)
        assert refused.status_code in {502, 503}
        assert refused.json()["error"]["message"]
