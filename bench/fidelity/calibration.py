"""Calibration of a running gateway: first tokens foretold for a share q of attempts come in time for a share q of them.

    python -m bench.fidelity.calibration                # four embedded engines: about five minutes
    python -m bench.fidelity.calibration --vllm         # two real ones, one core each: about seven

Real sockets and the wall clock; the policy is slo_cost. One attempt in four is counted, each against the quantiles as
they stood when it was sent; what comes before the warm-up's end is not.
"""

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from pathlib import Path

from bench.fidelity.play import play
from bench.fidelity.vllm import BLOCK, two
from bench.process import Process, free_ports, python
from gateway.app import App
from gateway.config import load
from gateway.recording.log import Log
from gateway.server.serve import Listener, bind, public_settings
from gateway.simulate.generate import draw
from gateway.simulate.trace import Trace
from gateway.simulate.workload_spec import Burst, Group, Spec
from policies.learning.predict.calibration_report import Coverage
from policies.learning.predict.residuals import LEVELS

CONFIG = """
deployments: {{pool: {{provider: vllm, model: m, endpoints: {urls}}}}}
models: {{m: {{deployments: [pool], policy: timely}}}}
policies: {{timely: {{kind: slo_cost, slo: {{ttft: 2s, per_1k_tokens: 500ms, tpot: 200ms}}}}}}
telemetry: {{log: error}}
"""
SPEED = 4.0  # of the embedded engine: the same figures from a quarter of the time


@contextmanager
def embedded(replicas: int) -> Iterator[list[str]]:
    ports = sorted(free_ports(replicas))
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        for port in ports:
            command = python("gateway.cli", "engine", "--port", str(port), "--model", "m", "--speed", str(SPEED))
            stack.enter_context(Process(command, {}, f"http://127.0.0.1:{port}/health", folder / f"{port}.log"))
        yield [f"http://127.0.0.1:{port}" for port in ports]


@contextmanager
def real() -> Iterator[list[str]]:
    with two("m") as engines:
        for engine in engines:
            engine.start()
        for engine in engines:
            engine.wait_healthy()
        yield [engine.url for engine in engines]


def chats(rate: float, seconds: float, seed: int) -> Trace:
    """For the embedded engines: chats and long shared prompts, in a rate that swings and bursts."""
    groups = [
        Group(name="docs", share=1, prefixes=40, prefix_tokens=3072, prompt_tokens=400, output_tokens=60),
        Group(name="chat", share=2, prompt_tokens=900, output_tokens=80),
    ]
    bursts = [Burst(at=40.0 + 80.0 * n, lasts=10, times=1.8) for n in range(int(seconds // 80))]
    spec = Spec(lasts=seconds, rate=rate, swing=0.4, period=120, block=16, groups=groups, bursts=bursts)
    return Trace("chats", draw(spec, seed), spec.block)


def short(rate: float, seconds: float, seed: int) -> Trace:
    """For real engines on one core each."""
    groups = [
        Group(name="docs", share=1, prefixes=10, prefix_tokens=512, prompt_tokens=100, output_tokens=6),
        Group(name="chat", share=2, prompt_tokens=200, output_tokens=6),
    ]
    spec = Spec(lasts=seconds, rate=rate, swing=0.4, period=120, block=BLOCK, groups=groups)
    return Trace("short", [each for each in draw(spec, seed) if each.prompt_tokens < 4000], spec.block)


async def counted(urls: list[str], warm: Trace, trace: Trace) -> tuple[Coverage, int]:
    """The attempts after the warm-up, and how many requests failed."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "gateway.yaml"
        path.write_text(CONFIG.format(urls=urls))
        config = load(path)
    log = Log("error")
    app = await App.start(config, log)
    sock = bind("127.0.0.1", 0)
    listener = Listener(public_settings(app.gateway, config.server))
    await listener.start(sock)
    url = f"http://127.0.0.1:{sock.getsockname()[1]}"
    await play(warm, url, "m")
    early = deepcopy(app.live.predictions.coverage.get("pool", Coverage()))
    heard = await play(trace, url, "m")
    found = app.live.predictions.coverage["pool"].since(early)
    await listener.stop()
    await app.close()
    log.close()
    return found, sum(bool(each.fault) for each in heard)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vllm", action="store_true", help="real vLLM, as tests/engine installs it")
    parser.add_argument("--rate", type=float, help="requests a second")
    parser.add_argument("--seconds", type=float, help="after the warm-up, which is a quarter of it")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    make, places = (short, real()) if args.vllm else (chats, embedded(4))
    rate, seconds = args.rate or (5.0 if args.vllm else 40.0), args.seconds or (270.0 if args.vllm else 220.0)
    with places as urls:
        warm = make(rate, seconds / 4, args.seed + 1)
        found, failed = asyncio.run(counted(urls, warm, make(rate, seconds, args.seed)))
    print(f"| counted | {' | '.join(map(str, LEVELS))} | furthest off | error of the median |")
    print("|---" * (len(LEVELS) + 3) + "|")
    shares = found.shares()
    off = max(abs(share - level) for level, share in shares.items())
    cells = " | ".join(f"{share:.3f}" for share in shares.values())
    print(f"| {found.attempts:,} | {cells} | {off:.3f} | {found.error / max(found.attempts, 1):.0%} |")
    if failed:
        sys.stderr.write(f"{failed} requests failed\n")


if __name__ == "__main__":
    main()
