"""What `cloverleaf cost` adds up is what the providers counted, to the token, whatever became of the requests; what
nobody reported stands apart.

Much traffic at once: three engines that fail in every way (errors, silence, cuts, a death), two clouds that take what
they cannot, hedges, recoveries, and clients that hang up. Each engine's journal is its own word.
"""

import asyncio
import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from backends.engine.faults import Fault
from backends.engine.journal import Line, read
from backends.engine.server import Engine, EngineOptions
from bench.chaos.client import Told, asking, tell
from gateway.ledger.database import open_to_read
from tests.contracts.serving import running
from tests.gateway.commands.test_cost import asked

ASKS = 300
CLIENTS = 40  # each asks for the next thing when it has its answer
PER_SECOND = 100.0  # tokens of a stream
FAULTS = (
    Fault(kind="status", status=500, probability=0.05, seed=1),
    Fault(kind="status", status=429, headers={"retry-after": "0.05"}, probability=0.04, seed=2),
    Fault(kind="reset", probability=0.03, seed=3),
    Fault(kind="stall", probability=0.03, seed=4),
    Fault(kind="cut", after=5, probability=0.08, seed=5),
    Fault(kind="delay", delay=0.4, probability=0.1, seed=6),
)
CONFIG = """
defaults:
  timeouts: {{connect: 2s, response: 5s, ttft: 600ms, stream_idle: 2s, total: 60s}}
  hedge: {{enabled: true, budget: 50%}}
  breaker: {{open_for: 1s}}
deployments:
  pool: {{provider: vllm, model: m, endpoints: [{pool}], weights: w, scrape: 500ms}}
  near: {{provider: openai_compatible, model: m, base_url: "{near}/v1", weights: w, price: {{input: 1, output: 3}},
          native: [responses]}}
  far:  {{provider: openai_compatible, model: m, base_url: "{far}/v1", weights: w, price: {{input: 2, output: 5}},
          native: [responses]}}
models: {{m: {{deployments: [[pool, near], far], policy: least_busy}}}}
telemetry: {{ledger: "{path}"}}
"""


class Provider:
    """An engine that keeps its port and its journal however often it dies."""

    def __init__(self, directory: Path, name: str, faults: tuple[Fault, ...]) -> None:
        self._journal = directory / name
        self._options = EngineOptions(model="m", tokens_per_second=PER_SECOND, journal=self._journal, faults=faults)
        self._engine = Engine(self._options)
        self._port = 0

    async def start(self) -> None:
        self._engine = Engine(self._options)
        self.url = await self._engine.start("127.0.0.1", self._port)
        self._port = int(self.url.rpartition(":")[2])

    async def stop(self) -> None:
        await self._engine.stop()

    def lines(self) -> list[Line]:
        return read(self._journal)


class Charged(msgspec.Struct):
    """One attempt as the ledger has it."""

    id: str
    deployment: str
    endpoint: str
    prompt: int
    completion: int
    usage: str
    cost: float | None


async def play(providers: list[Provider], path: Path) -> list[Told]:
    """All of it; what each client saw. An engine is dead for the second quarter."""
    *pool, near, far = providers
    rng = random.Random(7)
    config = CONFIG.format(pool=", ".join(f'"{each.url}"' for each in pool), near=near.url, far=far.url, path=path)
    asks = [ask for number in range(ASKS) if (ask := asking(rng, f"c{number}")).family != "embeddings"]
    left, told = iter(asks), list[Told]()
    async with running(config) as gateway:

        async def client() -> None:
            for ask in left:
                told.append(await tell(gateway.port, ask))
                if len(told) == len(asks) // 4:
                    await pool[0].stop()
                elif len(told) == len(asks) // 2:
                    await pool[0].start()

        await asyncio.gather(*(client() for _ in range(CLIENTS)))
    return told


def charged(path: Path) -> list[Charged]:
    ledger = open_to_read(path)
    columns = "deployment, endpoint, prompt_tokens, completion_tokens, usage, cost"
    found = ledger.execute(
        f"SELECT id, {columns} FROM requests WHERE NOT itemized UNION ALL SELECT request, {columns} FROM charges"
    ).fetchall()
    ledger.close()
    return [Charged(*row) for row in found]


async def test_the_sum_is_the_providers_own_to_the_token(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    providers = [Provider(tmp_path, f"engine-{n}", FAULTS) for n in range(3)]
    providers += [Provider(tmp_path, name, ()) for name in ("near", "far")]
    for each in providers:
        await each.start()
    told = await play(providers, tmp_path / "l.db")
    for each in providers:
        await each.stop()

    verdicts = Counter(each.verdict for each in told)
    assert not verdicts["wrong"], [each.detail for each in told if each.verdict == "wrong"]
    journal: dict[tuple[str, str], list[Line]] = {}
    for each in providers:
        for line in each.lines():
            journal.setdefault((line.id, each.url), []).append(line)
    sums: Counter[tuple[str, str]] = Counter()
    charges = charged(tmp_path / "l.db")
    exact = [each for each in charges if each.usage == "upstream"]
    apart = [each for each in charges if each.usage == "estimated"]
    for each in exact:
        lines = journal.get((each.id, each.endpoint.removesuffix("/v1")), [])
        same = [line for line in lines if (line.prompt, line.completion) == (each.prompt, each.completion)]
        assert same, f"{each} is none of {lines}"
        lines.remove(same[0])
        sums[each.deployment, "prompt_tokens"] += same[0].prompt
        sums[each.deployment, "completion_tokens"] += same[0].completion
    for each in apart:
        lines = journal.get((each.id, each.endpoint.removesuffix("/v1")), [])
        lines.clear()  # none, where the engine died; two, where a connection was reset and the transport sent it again
    left = [line for lines in journal.values() for line in lines]
    assert not left, f"generated, and in no row: {left[:5]}"

    found = await asyncio.to_thread(asked, capsys, "--by", "deployment", "--ledger", str(tmp_path / "l.db"))
    for group in found["groups"]:
        for kind in ("prompt_tokens", "completion_tokens"):
            assert group[kind] == sums[group["group"], kind], group
    prices = {"near": (1, 3), "far": (2, 5)}
    usd = sum(sums[n, "prompt_tokens"] * i + sums[n, "completion_tokens"] * o for n, (i, o) in prices.items()) / 1e6
    assert found["total"]["cost_usd"] == pytest.approx(usd)
    assert found["total"]["requests"] == len(told)

    ledger = open_to_read(tmp_path / "l.db")
    kinds = dict(ledger.execute("SELECT coalesce(recovered, ''), count(*) FROM requests GROUP BY 1").fetchall())
    hedged = ledger.execute("SELECT count(*) FROM requests WHERE hedged IS NOT NULL").fetchone()[0]
    again = ledger.execute("SELECT count(*) FROM requests WHERE attempts > 1").fetchone()[0]
    ledger.close()
    assert min(len(exact), len(apart), hedged, again, verdicts["left"], len(kinds) - 1) > 0, "it had everything in it"
