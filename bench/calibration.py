"""Calibration. Rule: a first token foretold for a share q of the cases comes in time in a share q of them.

    python -m bench.calibration                       # chats that share prefixes, a pool that fills up, and a cloud
    python -m bench.calibration ../shared/traces/azure2023_conv.csv      # and the bursty day of bench.spill

Counted are attempts that slo_cost chose, at every endpoint, after a warm-up; each against the quantiles as they stood
when it was sent.
"""

import argparse
from copy import deepcopy
from pathlib import Path

from bench.spill import PREFILL, REPLICAS, config, day_of
from gateway.simulate.generate import draw
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Trace
from gateway.simulate.trace_readers import read_trace
from gateway.simulate.workload_spec import Burst, Group, Spec
from policies.learning.predict.calibration_report import Coverage
from policies.learning.predict.residuals import LEVELS

WARM = 4000  # requests: one in four is counted


def coverage(trace: Trace, options: Options, seed: int) -> dict[str, Coverage]:
    """By deployment, after the warm-up."""
    world = Simulation(config(), "cheap", trace, options, seed)
    early: dict[str, Coverage] = {}

    def warm(arrived: int) -> None:
        if arrived < WARM:
            early.update(deepcopy(world.live.predictions.coverage))

    world.run(warm)
    return {name: all.since(early.get(name, Coverage())) for name, all in world.live.predictions.coverage.items()}


def chats(seed: int) -> Trace:
    """Chats over shared prefixes, which fill the pool now and then."""
    groups = [
        Group(name="docs", share=1, prefixes=40, prefix_tokens=3072, prompt_tokens=400, output_tokens=120),
        Group(name="chat", share=2, prompt_tokens=900, output_tokens=220),
    ]
    bursts = [Burst(at=300.0 * n + 120, lasts=40, times=1.8) for n in range(5)]
    spec = Spec(lasts=1500, rate=10, swing=0.4, period=600, groups=groups, bursts=bursts)
    return Trace("chats", draw(spec, seed), spec.block)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=Path, nargs="?")
    parser.add_argument("--seconds", type=float, default=1500.0)
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    options = Options(replicas=REPLICAS, prefill_rate=PREFILL)
    traces = [chats(args.seed)]
    if args.sizes:
        traces.append(day_of(read_trace(args.sizes, 0), options, args.seconds, args.seed))
    print(f"| workload, place | counted | {' | '.join(map(str, LEVELS))} | furthest off | error of the median |")
    print("|---" * (len(LEVELS) + 4) + "|")
    for trace in traces:
        for name, found in coverage(trace, options, args.seed).items():
            shares = found.shares()
            off = max(abs(share - level) for level, share in shares.items())
            cells = " | ".join(f"{share:.3f}" for share in shares.values())
            error = found.error / max(found.attempts, 1)
            print(f"| {trace.name}, {name} | {found.attempts:,} | {cells} | {off:.3f} | {error:.0%} |", flush=True)


if __name__ == "__main__":
    main()
