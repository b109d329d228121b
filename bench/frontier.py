"""The frontier. Rule: policies over one trace, at several loads and seeds: what is found in caches against the wait.

    python -m bench.frontier ../shared/traces/conversation_trace.jsonl --kv-tokens 1000000 --prefill-rate 2000

Load is the prompt tokens that are offered over those that the pool could compute if nothing were cached; the trace is
played faster or slower to reach it. Prints a Markdown table: mean hit rate and TTFT p90 (seconds) over the seeds.
"""

import argparse
import statistics
from pathlib import Path

from bench.simulate import config
from gateway.simulate.results import Result
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Trace
from gateway.simulate.trace_readers import read_trace

BASELINES = ("power_of_two", "cache_aware", "sticky_until_saturated", "least_uncached")
LOADS = (0.5, 0.61, 0.73, 0.84, 0.95)


def rate(trace: Trace, load: float, options: Options) -> float:
    """How many times as fast the trace must be played."""
    offered = sum(arrival.prompt_tokens for arrival in trace.arrivals) / trace.arrivals[-1].at
    return load * (options.replicas or 1) * (options.prefill_rate or 1.0) / offered


def measure(trace: Trace, policy: str, options: Options, seeds: list[int]) -> list[Result]:
    results = []
    for seed in seeds:
        world = Simulation(config(), policy, trace, options, seed)
        world.run(lambda arrived: None)
        results.append(world.tally.result(0.0))
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("trace", type=Path)
    parser.add_argument("--replicas", type=int, default=8)
    parser.add_argument("--kv-tokens", type=int, default=1_000_000)
    parser.add_argument("--prefill-rate", type=float, default=2000.0)
    parser.add_argument("--policy", default="prefix")
    parser.add_argument("--seeds", type=int, default=3)
    args = parser.parse_args()
    options = Options(replicas=args.replicas, kv_tokens=args.kv_tokens, prefill_rate=args.prefill_rate)
    trace, seeds, names = read_trace(args.trace, 0), list(range(1, args.seeds + 1)), [*BASELINES, args.policy]
    print(f"| load (--rate) | {' | '.join(names)} | p90 against the best baseline, power_of_two |")
    print("|---" * (len(names) + 2) + "|")
    for load in LOADS:
        pace = rate(trace, load, options)
        found = [measure(trace.paced(pace), name, options, seeds) for name in names]
        p90s = [statistics.mean(result.ttft.p90 or 0.0 for result in results) for results in found]
        hits = [statistics.mean(result.hit_rate for result in results) for results in found]
        cells = [f"{hit:.1%}, {p90:.2f} s" for hit, p90 in zip(hits, p90s, strict=True)]
        ratios = f"{p90s[-1] / min(p90s[:-1]):.2f}, {p90s[-1] / p90s[0]:.2f}"
        print(f"| {load} ({pace:.4f}) | {' | '.join(cells)} | {ratios} |", flush=True)


if __name__ == "__main__":
    main()
