"""Overload. Rule: at three times what the pool can do, nearly all of what it can do is still done, in time.

    python -m bench.overload --seconds 30        exit 1 when goodput falls under 90 %, or an answer comes too late

The pool's capacity is exact: an embedded engine paces every stream, and ``max_concurrency`` bounds them. Requests come
on a clock, whatever became of those before, from one key that asks for most of them and one that asks for few.
"""

import argparse
import asyncio
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import msgspec

from bench.chaos.places import Engine
from bench.process import ROOT, answers, free_ports, python
from policies.vocabulary.quantile import quantile

PLACES = 24
PACE = 20.0  # tokens per second
TOKENS = 10
CAPACITY = PLACES / ((TOKENS - 1) / PACE)  # requests per second: a first token comes at once
PATIENCE = 2.0  # seconds to the first token: timeouts.ttft, which is what is promised
SLACK = 0.5  # seconds of a busy machine
CONFIG = """
server: {{port: {port}}}
admin: {{port: {admin}}}
auth: {{keys: [{{name: many, key: many}}, {{name: few, key: few}}]}}
defaults: {{timeouts: {{ttft: 2s}}}}
telemetry: {{log: warning}}
deployments: {{d: {{provider: vllm, model: m, endpoints: ["{url}"], max_concurrency: {places}}}}}
models: {{m: {{deployments: [d]}}}}
"""


class Answered(msgspec.Struct):
    """One request: when it was asked (seconds from the start), its status, and seconds to first token and end."""

    key: str
    asked: float
    status: int = 0
    first: float = 0.0
    whole: bool = False
    retry_after: str = ""


async def ask(port: int, key: str, started: float) -> Answered:
    asked = time.monotonic()
    made = Answered(key, asked - started)
    body = msgspec.json.encode(
        {"model": "m", "messages": [{"role": "user", "content": "x"}], "stream": True, "max_tokens": TOKENS}
        | {"ignore_eos": True}
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        head = f"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {key}\r\nconnection: close\r\n"
        writer.write(f"{head}content-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body)
        lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        made.status = int(lines[0].split()[1])
        made.first = time.monotonic() - asked  # a stream's head comes with its first token
        made.retry_after = next((line[13:] for line in lines if line.startswith("retry-after: ")), "")
        made.whole = b"[DONE]" in await reader.read()
        return made
    finally:
        writer.transport.abort()


async def offer(port: int, rate: float, seconds: float, rng: random.Random) -> list[Answered]:
    """Requests at ``rate`` a second, one in ten of them from the key that asks little."""
    started = due = time.monotonic()
    tasks: list[asyncio.Task[Answered]] = []
    while (due := due + rng.expovariate(rate)) < started + seconds:
        await asyncio.sleep(max(0.0, due - time.monotonic()))
        tasks.append(asyncio.create_task(ask(port, "few" if rng.random() < 0.1 else "many", started)))
    return list(await asyncio.gather(*tasks))


def told(name: str, seen: list[Answered], seconds: float) -> tuple[float, float]:
    """Prints a phase; its goodput as a share of capacity, and the 99th percentile of seconds to the first token.

    The first two seconds fill the pool, and are left out.
    """
    served = [each for each in seen if each.status == 200 and each.whole]
    counted = [each for each in served if each.asked >= 2]
    goodput = len(counted) / (seconds - 2) / CAPACITY
    firsts = sorted(each.first for each in served) or [0.0]
    p50, p99 = (quantile(firsts, share) or 0.0 for share in (0.5, 0.99))
    few = [each for each in seen if each.key == "few"]
    share = sum(each.status == 200 for each in few) / max(1, len(few))
    refused = [each for each in seen if each.status != 200]
    honest = sum(each.status == 429 and each.retry_after != "" for each in refused)
    print(f"{name}: {len(seen)} asked, {len(served)} served, goodput {goodput:.1%} of capacity ({CAPACITY:g}/s)")
    print(f"    first token p50 {p50:.3f} s, p99 {p99:.3f} s, worst {firsts[-1]:.3f} s")
    print(f"    refused {len(refused)}, all with 429 and Retry-After: {honest == len(refused)}")
    print(f"    of the key that asks little {share:.0%} were served")
    return goodput, p99


async def measure(port: int, seconds: float, seed: int) -> list[str]:
    rng = random.Random(seed)
    over, p99 = told("3.0 x capacity", await offer(port, 3 * CAPACITY, seconds, rng), seconds)
    _, after = told("0.5 x capacity, at once after", await offer(port, 0.5 * CAPACITY, 6.0, rng), 6.0)
    problems = []
    if over < 0.9:
        problems.append(f"goodput {over:.1%} is under 90 %")
    if p99 > PATIENCE + SLACK:
        problems.append(f"first tokens come after {p99:.2f} s")
    if after > SLACK + 2 / PACE + PATIENCE / 2:
        problems.append(f"after the overload first tokens still take {after:.2f} s")
    return problems


async def run(directory: Path, seconds: float, seed: int) -> list[str]:
    engine = Engine(directory, "engine")
    port, admin = free_ports(2)
    config = directory / "cloverleaf.yaml"
    config.write_text(CONFIG.format(port=port, admin=admin, url=engine.url, places=PLACES))
    engine.start()
    gateway = subprocess.Popen(python("gateway.cli", "serve", str(config)), cwd=ROOT, stdout=subprocess.DEVNULL)
    try:
        await engine.ready()
        while not await asyncio.to_thread(answers, f"http://127.0.0.1:{admin}/ready"):
            await asyncio.sleep(0.1)
        return await measure(port, seconds, seed)
    finally:
        gateway.terminate()
        gateway.wait(timeout=40)
        engine.kill()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=30)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        problems = asyncio.run(run(Path(directory), args.seconds, args.seed))
    print("FAILED: " + ", ".join(problems) if problems else "the pool did what it can, in time")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
