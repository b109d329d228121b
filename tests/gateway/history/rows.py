"""A recorded past, made up: a pool of two endpoints that answer as fast as they should, and a cloud."""

import random
from pathlib import Path

from msgspec.structs import astuple

from gateway.ledger.database import insert, open_to_write
from gateway.ledger.row import Row

START = 1_764_000_000.0
CONFIG = """
deployments:
  gpu: {provider: vllm, model: m, endpoints: ["http://a", "http://b"], cost: {per_hour: 2}}
  cloud: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:9/v1", price: {input: 0.5, output: 1.5}}
models: {m: {deployments: [gpu, cloud], policy: order}}
policies: {cheap: {kind: slo_cost, slo: {ttft: 1s, per_1k_tokens: 100ms, tpot: 80ms}}}
"""


def made(number: int, at: float, **changes: object) -> Row:
    """A streamed answer of the pool: 1,000 tokens in, 101 out, the first after 0.2 seconds, then 50 a second."""
    given: dict[str, object] = {
        "id": f"r{number}", "time": at + 2.2, "family": "chat", "model": "m", "key": "team", "deployment": "gpu",
        "endpoint": "http://a", "stream": True, "status": 200, "failure": "", "attempts": 1, "tried": "",
        "duration": 2.2, "first_token": 0.2, "overhead": 0.001, "prompt_tokens": 1000, "cached_tokens": 0,
        "completion_tokens": 101, "usage": "upstream", "cost": None,
    }  # fmt: skip
    return Row(**{**given, **changes})  # type: ignore[arg-type]


def ledger(path: Path, rows: list[Row]) -> Path:
    writer = open_to_write(path)
    insert(writer, map(astuple, rows))
    writer.close()
    return path


def day(path: Path, count: int = 400, seconds: float = 3600.0, cloud: float = 0.25) -> Path:
    """Poisson arrivals; a share of them in the cloud, which is slower to begin and quicker to go on."""
    draw, at, rows = random.Random(3), START, []
    for number in range(count):
        at += draw.expovariate(count / seconds)
        prompt, output = 100 + int(draw.expovariate(1 / 900)), 20 + int(draw.expovariate(1 / 100))
        bought = draw.random() < cloud
        first, pace = (0.5, 0.01) if bought else (0.05 + prompt / 10_000, 0.02)
        seconds_taken = first + pace * (output - 1)
        rows.append(
            made(
                number, at, time=at + seconds_taken, duration=seconds_taken, first_token=first, prompt_tokens=prompt,
                completion_tokens=output, key=draw.choice("ab"), deployment="cloud" if bought else "gpu",
                endpoint="http://c" if bought else draw.choice(["http://a", "http://b"]),
                cost=(0.5 * prompt + 1.5 * output) / 1e6 if bought else None,
            )
        )  # fmt: skip
    return ledger(path, rows)
