"""Two real vLLM engines, one for vectors, an emulated cloud, and a gateway in front of them all, started once."""

from collections.abc import AsyncIterator, Generator, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import openai
import pytest

from tests.engine.embedded import Embedded
from tests.engine.gateway import KEY, Gateway
from tests.engine.metrics import until
from tests.engine.process import Server
from tests.engine.prompts import HELLO
from tests.engine.status import endpoints
from tests.engine.vllm import GENERATE, POOLING, Vllm, install, make_model

# Public names differ from the engines' own, so that every answer shows the model was renamed on the way.
CONFIG = """
auth: {{keys: [{{name: tests, key: {key}, models: ["*"]}}]}}
deployments:
  pool: {{provider: vllm, model: tiny, endpoints: ["{first}", "{second}"]}}
  pooling: {{provider: vllm, model: tiny-embed, endpoints: ["{pooling}"]}}
  cloud: {{provider: openai_compatible, model: tiny, base_url: "{cloud}/v1", api_key: sk-cloud}}
models:
  chat: {{deployments: [pool, cloud], policy: round_robin, recovery: []}}
  pool-only: {{deployments: [pool], policy: round_robin, recovery: []}}
  vectors: {{deployments: [pooling]}}
"""
TRUSTED_WITHIN = 60.0  # seconds; a breaker stays open for ten of them
SERVERS = pytest.StashKey[list[Server]]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """A failed test shows what the servers said last."""
    report = yield
    if report.failed:
        for server in item.session.stash.get(SERVERS, []):
            report.sections.append((f"log of {server.log.stem}", server.tail()))
    return report


@pytest.fixture(scope="session")
def servers(request: pytest.FixtureRequest) -> Iterator[list[Server]]:
    """Whatever is put in here is ended with the session."""
    started: list[Server] = request.session.stash.setdefault(SERVERS, [])
    yield started
    for server in reversed(started):
        server.kill()


@pytest.fixture(scope="session")
def logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("logs")


@pytest.fixture(scope="session")
def all_engines(servers: list[Server], logs: Path) -> list[Vllm]:
    """The pool's two and the one for vectors, started together: most of a start is waiting for imports."""
    home = install()
    model = make_model(home)
    kinds = [("first", "tiny", GENERATE), ("second", "tiny", GENERATE), ("pooling", "tiny-embed", POOLING)]
    engines = [Vllm(logs / f"{log}.log", home, model, name, flags) for log, name, flags in kinds]
    servers.extend(engines)
    for engine in engines:
        engine.start()
    for engine in engines:
        engine.wait_healthy()
    return engines


@pytest.fixture(scope="session")
def gateway(servers: list[Server], logs: Path, all_engines: list[Vllm]) -> Gateway:
    cloud = Embedded(logs / "cloud.log", "tiny")
    first, second, pooling = (engine.url for engine in all_engines)
    gateway = Gateway(logs, CONFIG.format(key=KEY, first=first, second=second, pooling=pooling, cloud=cloud.url))
    for server in (cloud, gateway):
        servers.append(server)
        server.start()
        server.wait_healthy()
    return gateway


@pytest.fixture
async def engines(all_engines: list[Vllm], gateway: Gateway) -> list[Vllm]:
    """The pool's two, alive and seen to be: the test before may have killed them."""
    pool = all_engines[:2]
    dead = [engine for engine in pool if not engine.is_healthy()]
    for engine in dead:
        engine.start()
    for engine in dead:
        engine.wait_healthy()
    for engine in dead:
        await until(partial(is_trusted, gateway, engine), TRUSTED_WITHIN)
    return pool


async def is_trusted(gateway: Gateway, engine: Vllm) -> bool:
    """Up, and past its breaker, which closes only after a request has been risked."""
    headers = {"authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(base_url=gateway.url, headers=headers, timeout=120) as http:
        await http.post("/v1/chat/completions", json={"model": "pool-only", "messages": HELLO, "max_tokens": 1})
    seen = (await endpoints(gateway))[engine.url]
    return bool(seen["up"] and not seen["breakers"])


@pytest.fixture
def client(gateway: Gateway, engines: list[Vllm]) -> Iterator[openai.OpenAI]:
    """What a user holds, in strict mode. It never retries: each answer is the gateway's first."""
    options: Any = {"base_url": f"{gateway.url}/v1", "api_key": KEY, "max_retries": 0, "timeout": 120}
    with openai.OpenAI(**options, _strict_response_validation=True) as client:
        yield client


@pytest.fixture
async def async_client(gateway: Gateway, engines: list[Vllm]) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=f"{gateway.url}/v1", api_key=KEY, max_retries=0, timeout=120) as client:
        yield client


@pytest.fixture
def http(gateway: Gateway, engines: list[Vllm]) -> Iterator[httpx.Client]:
    """For what the SDK has no word for, or hides."""
    headers = {"authorization": f"Bearer {KEY}"}
    with httpx.Client(base_url=gateway.url, headers=headers, timeout=120) as client:
        yield client
