"""The simulator's own speed. Rule: requests simulated a second of one core, and what a decision costs, by pool size.

    python -m bench.simulate                          # 8 replicas, then a decision at 8, 64 and 1,000
    python -m bench.simulate --requests 1000000       # a million requests on 1,000 replicas: some ten minutes

The workload is drawn here: conversations that share prefixes, at 60 % of what the pool can prefill.
"""

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from gateway.config import Config, load
from gateway.simulate.generate import draw
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Trace
from gateway.simulate.trace_readers import read_trace
from gateway.simulate.workload_spec import Group, Spec
from policies.selection.plan import plan

POOL = """
defaults: {timeouts: {ttft: 600s, total: 3600s}}
deployments: {pool: {provider: vllm, model: m, endpoints: [http://gpu-0:8000]}}
models: {m: {deployments: [pool]}}
"""
RATE = 8000.0  # tokens a second that a replica prefills
LOAD = 0.6
PROMPT = 4000  # tokens, of which half are a prefix that some others have


def config() -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.yaml"
        path.write_text(POOL)
        return load(path)


def workload(requests: int, replicas: int) -> Trace:
    rate = LOAD * replicas * RATE / PROMPT
    group = Group(name="talk", prefixes=40 * replicas, prefix_tokens=PROMPT // 2, prompt_tokens=PROMPT // 2)
    spec = Spec(lasts=requests / rate, rate=rate, groups=[group])
    return Trace("drawn", draw(spec, 1), spec.block)


def play(trace: Trace, policy: str, replicas: int) -> tuple[Simulation, float]:
    """The run, and requests a second of CPU time."""
    options = Options(replicas=replicas, kv_tokens=1_000_000, prefill_rate=RATE)
    world = Simulation(config(), policy, trace, options, 1)
    began = time.process_time()
    world.run(lambda arrived: None)
    return world, len(trace.arrivals) / (time.process_time() - began)


def decision(policy: str, replicas: int) -> float:
    """Median microseconds of a plan, in a world that a workload has gone through."""
    world, _ = play(workload(6 * replicas + 500, replicas), policy, replicas)
    spent = []
    for arrival in workload(2000, replicas).arrivals:
        request = world.request(arrival, len(spent))
        seen = world.snapshot()
        began = time.perf_counter_ns()
        plan(request, world.model, seen)
        spent.append(time.perf_counter_ns() - began)
    return statistics.median(spent) / 1000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=0, help="play so many on --replicas, and nothing else")
    parser.add_argument("--replicas", type=int, default=1000)
    parser.add_argument("--policy", action="append", help="default: power_of_two, prefix")
    parser.add_argument("--trace", type=Path, help="play this one on 8 replicas too")
    args = parser.parse_args()
    policies = args.policy or ["power_of_two", "prefix"]
    if args.requests:
        trace = workload(args.requests, args.replicas)
        for policy in policies:
            world, speed = play(trace, policy, args.replicas)
            result = world.tally.result(0.0)
            print(
                f"{policy}: {result.completed:,} of {result.requests:,} on {args.replicas:,} replicas, {speed:,.0f}/s"
            )
        return
    traces = [workload(12_000, 8), *([read_trace(args.trace, 1)] if args.trace else [])]
    for trace in traces:
        for policy in policies:
            print(f"{trace.name}, 8 replicas, {policy}: {play(trace, policy, 8)[1]:,.0f} requests/s")
    for policy in policies:
        for replicas in (8, 64, 1000):
            print(f"a decision of {policy} at {replicas:,}: {decision(policy, replicas):.1f} us")


if __name__ == "__main__":
    main()
