"""Comparing. Rule: one workload, one policy: what was measured, what the simulator said, and one over the other."""

from collections.abc import Sequence

import msgspec

from bench.fidelity.play import Heard
from gateway.config import Config
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Trace
from policies.vocabulary.quantile import quantile


class Seen(msgspec.Struct, frozen=True):
    """Seconds, and the share of prompt tokens that were found in a cache."""

    ttft_p50: float
    ttft_p90: float
    total_p50: float
    hits: float


def measured(heard: Sequence[Heard]) -> Seen:
    """
    Raises:
        SystemExit: a request was not answered as it should be, so the figures would mean nothing.
    """
    faults = [each.fault for each in heard if each.fault]
    if faults:
        raise SystemExit(f"{len(faults)} of {len(heard)} requests went wrong: {faults[0]}")
    cached = sum(each.cached for each in heard) / sum(each.arrival.prompt_tokens for each in heard)
    return _seen([each.ttft for each in heard], [each.total for each in heard], cached)


def simulated(config: Config, policy: str, trace: Trace, options: Options) -> Seen:
    world = Simulation(config, policy, trace, options, seed=1)
    world.run(lambda arrived: None)
    tally = world.tally
    return _seen(tally.ttft, tally.e2e, tally.hits / tally.blocks if tally.blocks else 0.0)


def _seen(ttft: list[float], total: list[float], hits: float) -> Seen:
    first, all = sorted(ttft), sorted(total)
    p50, p90, whole = quantile(first, 0.5), quantile(first, 0.9), quantile(all, 0.5)
    assert p50 is not None and p90 is not None and whole is not None
    return Seen(p50, p90, whole, hits)


HEADING = (
    "| | TTFT p50, s | simulated | ratio | TTFT p90, s | simulated | ratio | answer p50, ratio | cached | simulated |"
)
RULE = "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"


def row(name: str, real: Seen, told: Seen) -> str:
    """A line of the table."""
    cells = [
        f"{real.ttft_p50:.3f}",
        f"{told.ttft_p50:.3f}",
        f"{told.ttft_p50 / real.ttft_p50:.2f}",
        f"{real.ttft_p90:.3f}",
        f"{told.ttft_p90:.3f}",
        f"{told.ttft_p90 / real.ttft_p90:.2f}",
        f"{told.total_p50 / real.total_p50:.2f}",
        f"{real.hits:.1%}",
        f"{told.hits:.1%}",
    ]
    return f"| {name} | " + " | ".join(cells) + " |"
