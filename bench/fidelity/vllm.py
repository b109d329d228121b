"""Real vLLM against the simulator. Rule: coefficients from one load, predictions of others, and the same ranking.

    python -m bench.fidelity.vllm                # vLLM on the CPU, one core an engine: about fifteen minutes
    python -m bench.fidelity.vllm --profile FILE # with coefficients that an earlier run has fitted

The engine and its small model are those of tests/engine. A rate of 0.4 means that requests arrive at 0.4 times the pace
at which the engines could answer them one after the other.
"""

import argparse
import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from backends.engine.profile import Profile
from bench.fidelity.compare import HEADING, RULE, Seen, measured, row, simulated
from bench.fidelity.fit import Bench, fitted, written
from bench.fidelity.play import play
from bench.process import Process, free_ports, python
from gateway.config import load
from gateway.simulate.generate import draw
from gateway.simulate.simulated_pool import Options
from gateway.simulate.trace import Trace
from gateway.simulate.workload_spec import Group, Spec, load_as
from tests.engine.vllm import Vllm, install, make_model

BLOCK = 32  # the engine's, as tests/engine starts it
KV_TOKENS = 1 << 18  # 1 GiB at 4 KiB a token
CAPACITIES = Profile(block_size=BLOCK, num_blocks=KV_TOKENS // BLOCK, max_num_seqs=32, max_num_batched_tokens=2048)
FLAGS: list[str | int] = [
    *("--max-model-len", 9000, "--max-num-seqs", CAPACITIES.max_num_seqs),
    *("--max-num-batched-tokens", CAPACITIES.max_num_batched_tokens, "--enable-prompt-tokens-details"),
]
CONFIG = """
server: {{port: {port}}}
admin: {{port: {admin}}}
defaults: {{timeouts: {{ttft: 300s, total: 600s}}}}
deployments: {{pool: {{provider: vllm, model: tiny, endpoints: [{endpoints}]}}}}
models: {{tiny: {{deployments: [pool], policy: {policy}}}}}
telemetry: {{log: warning}}
"""
PROMPT, OUTPUT = 2500, 24
_PLAYS = itertools.count(1)
LONGEST = 8500  # prompt tokens that the engine takes, and some room


def seconds_each(profile: Profile, prompt: float, output: float) -> float:
    """What a request takes an engine that has nothing else to do."""
    step = profile.decode_seconds(1, int(prompt))
    return profile.prefill_base + profile.prefill_seconds(0, int(prompt)) + output * step


def alone(profile: Profile, load: float, lasts: float) -> Trace:
    rate = load / seconds_each(profile, PROMPT, OUTPUT)
    group = Group(name="alone", prompt_tokens=PROMPT, output_tokens=OUTPUT)
    drawn = draw(Spec(lasts=lasts, rate=rate, block=BLOCK, groups=[group]), 1)
    return Trace("alone", [each for each in drawn if each.prompt_tokens <= LONGEST], BLOCK)


def shared(profile: Profile, load: float, lasts: float) -> Trace:
    """Prompts that begin as one of 150, which two caches hold between them and neither alone."""
    rate = 2 * load / seconds_each(profile, 2048 + 100, OUTPUT)
    group = Group(name="shared", prefixes=150, prefix_tokens=2048, prompt_tokens=100, output_tokens=OUTPUT)
    return Trace("shared", draw(Spec(lasts=lasts, rate=rate, block=BLOCK, groups=[group]), 1), BLOCK)


def compared(engines: list[Vllm], policy: str, trace: Trace, profile: Profile) -> tuple[Seen, Seen]:
    """Measured through the gateway, and simulated."""
    with tempfile.TemporaryDirectory() as folder:
        port, admin = free_ports(2)
        endpoints = ", ".join(engine.url for engine in engines)
        path = Path(folder) / "gateway.yaml"
        path.write_text(CONFIG.format(port=port, admin=admin, endpoints=endpoints, policy=policy))
        ready = f"http://127.0.0.1:{admin}/ready"
        with Process(python("gateway.cli", "serve", str(path)), {}, ready, Path(folder) / "log"):
            real = measured(asyncio.run(play(renamed(trace), f"http://127.0.0.1:{port}", "tiny")))
        return real, simulated(load(path), policy, trace, Options(profile=profile))


def renamed(trace: Trace) -> Trace:
    """The same prompts in other tokens: what an engine still holds of an earlier play is of no use to it."""
    by = next(_PLAYS) << 24
    arrivals = [msgspec.structs.replace(each, blocks=tuple(by + b for b in each.blocks)) for each in trace.arrivals]
    return msgspec.structs.replace(trace, arrivals=arrivals)


@contextmanager
def two(name: str) -> Iterator[list[Vllm]]:
    """Engines that serve a model by this name, one core each, not started yet."""
    home = install()
    model = make_model(home)
    with ExitStack() as stack:
        logs = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        engines = [Vllm(logs / f"{core}.log", home, model, name, FLAGS, core) for core in (0, 1)]
        for engine in engines:
            stack.callback(engine.kill)
        yield engines


def started(engines: list[Vllm]) -> None:
    """Running, and gone through once."""
    for engine in engines:
        engine.start()
    for engine in engines:
        engine.wait_healthy()
        asyncio.run(Bench(engine.url, "tiny", BLOCK).fill(KV_TOKENS))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--profile", type=Path, help="a fitted profile, in place of fitting one")
    parser.add_argument("--seconds", type=float, default=120, help="of each workload")
    parser.add_argument("--only", choices=("predict", "rank"), help="one part of it, with a profile that is given")
    args = parser.parse_args()
    with two("tiny") as engines:
        started(engines)
        if args.profile:
            profile = load_as(Profile, args.profile)[0]
        else:
            profile = asyncio.run(fitted(engines[0].url, "tiny", CAPACITIES))
            print(written(profile), flush=True)
        print(HEADING, RULE, sep="\n")
        for rate in (0.3, 0.6) if args.only != "rank" else ():
            found = compared(engines[:1], "order", alone(profile, rate, args.seconds), profile)
            print(row(f"one engine, {rate}", *found), flush=True)
        for policy in ("round_robin", "prefix") if args.only != "predict" else ():
            found = compared(engines, policy, shared(profile, 0.6, args.seconds), profile)
            print(row(f"two engines, `{policy}`", *found), flush=True)


if __name__ == "__main__":
    main()
