"""What a bursty day costs. Rule: slo_cost against the best of a sweep of static thresholds, and a bound none can beat.

    python -m bench.spill ../shared/traces/azure2023_conv.csv            # Azure's public trace gives the sizes
    python -m bench.spill ../shared/traces/azure2023_*.csv               # those of both, as often as they are there

Arrivals are a Poisson process around a sine of +-50 %, with bursts of 1.8 times on top; at the mean they take 85 % of
four replicas' GPU time, so the peaks must be bought. A static threshold sends a request to the cloud when the
least queue of the pool is above it. A policy counts only where the service level is met: a share of at least
``quantile`` of all requests, refused and failed ones included, in time.
"""

import argparse
import random
import tempfile
from pathlib import Path
from statistics import mean

import msgspec

from backends.engine.profile import Profile
from bench.bound import Piece, least_bought
from gateway.catalog.policy_compiler import service_level
from gateway.config import Config, load
from gateway.simulate.generate import rate
from gateway.simulate.results import Tally
from gateway.simulate.simulated_pool import Options, profile
from gateway.simulate.simulated_request import Attempt
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Arrival, Trace
from gateway.simulate.trace_readers import read_trace
from gateway.simulate.upstream_models import OwnReplica
from gateway.simulate.workload_spec import Burst, Group, Spec
from policies.vocabulary.types import Price, Usage

REPLICAS = 4
LOAD = 0.85
PREFILL = 8000.0  # tokens a second, whatever their number
TPOT = 0.1
QUANTILE = 0.95
WINDOW = 20  # seconds, about: ttft and an answer of usual length at the slowest pace that is in time
POOL = """
deployments:
  gpu: {provider: embedded, model: m, replicas: 4, cost: {per_hour: 2}}
  cloud: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:9/v1", price: {input: 0.2, output: 0.8}}
models: {m: {deployments: [gpu, cloud], policy: cheap}}
policies: {cheap: {kind: slo_cost, slo: {ttft: 1s, per_1k_tokens: 100ms, tpot: 100ms, quantile: 0.95}}}
"""
PRICE = Price(0.2, 0.8)
SWEEP = (
    *(f"spill_tokens:{tokens}" for tokens in (0, 300)),
    *(f"spill_waiting:{requests}" for requests in (0, 1)),
    *(f"spill_in_flight:{requests}" for requests in (48, 56, 60, 64)),
)


def config(text: str = POOL) -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.yaml"
        path.write_text(text)
        return load(path, {})


def work(arrival: Arrival, replica: Profile) -> float:
    """The least GPU-seconds it can take: its own prefill, and its share of the steps it is in."""
    context = arrival.prompt_tokens + arrival.output_tokens / 2
    each = replica.decode_per_sequence + replica.decode_per_context_token * context
    return replica.prefill_seconds(0, arrival.prompt_tokens) + arrival.output_tokens * each


def price(arrival: Arrival) -> float:
    return Usage(arrival.prompt_tokens, arrival.output_tokens).cost(PRICE)


def capacity(replica: Profile) -> float:
    """GPU-seconds a replica has each second for those shares: a step has a cost of its own, and answers in time need at
    least 1 / tpot steps a second."""
    return 1.0 - replica.decode_base / TPOT


def day_of(sizes: Trace, options: Options, seconds: float, seed: int) -> Trace:
    """Arrivals with the trace's sizes, in random order."""
    chance, replica = random.Random(seed), profile(options, sizes.block)
    usual = mean(work(each, replica) for each in sizes.arrivals)
    wave = seconds
    bursts = [Burst(at=wave * share, lasts=wave / 30, times=1.8) for share in (0.05, 0.2, 0.35, 0.55, 0.7, 0.9)]
    extra = sum((burst.times - 1) * burst.lasts for burst in bursts) / seconds
    group = [Group(name="all")]
    average = LOAD * REPLICAS * capacity(replica) / usual / (1 + extra)
    spec = Spec(lasts=seconds, rate=average, swing=0.5, period=wave, bursts=bursts, groups=group)
    arrivals, now = [], 0.0
    peak = average * 1.5 * 1.8
    while (now := now + chance.expovariate(peak)) < seconds:
        if chance.random() * peak < rate(spec, now):
            size, number = chance.choice(sizes.arrivals), len(arrivals)
            arrivals.append(msgspec.structs.replace(size, at=now, blocks=(number,)))
    return Trace(f"a day like {sizes.name}", arrivals, sizes.block)


def bound(trace: Trace, options: Options) -> float:
    replica = profile(options, trace.block)
    pieces = [Piece(int(each.at), work(each, replica), price(each)) for each in trace.arrivals]
    return least_bought(pieces, REPLICAS * capacity(replica), WINDOW)


class Day(Simulation):
    """A world that also tells how the pool fared, by the minute of arrival."""

    def __init__(self, pool: Config, policy: str, trace: Trace, options: Options, seed: int) -> None:
        super().__init__(pool, policy, trace, options, seed)
        self.tally = Tally(service_level(pool, "cheap"))  # every policy is held to the same service level
        self._replica = profile(options, trace.block)
        self._minutes: dict[int, list[float]] = {}  # requests, of those bought, GPU-seconds that the pool did

    def answered(self, attempt: Attempt, usage: Usage, now: float) -> None:
        super().answered(attempt, usage, now)
        bought = not isinstance(self.places[attempt.candidate.id], OwnReplica)
        minute = self._minutes.setdefault(int(attempt.journey.came / 60), [0, 0, 0.0])
        minute[0] += 1
        minute[1] += bought
        minute[2] += 0.0 if bought else work(attempt.journey.arrival, self._replica)

    def busy(self) -> list[float]:
        """Share of the pool's capacity that was given to the requests of each minute in which a tenth was bought."""
        whole = 60 * REPLICAS * capacity(self._replica)
        return [done / whole for all, bought, done in self._minutes.values() if bought >= 0.1 * all] or [0.0]


def play(policy: str, trace: Trace, options: Options, seed: int) -> Day:
    world = Day(config(), policy, trace, options, seed)
    world.run(lambda arrived: None)
    return world


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sizes", type=Path, nargs="+")
    parser.add_argument("--seconds", type=float, default=3600.0)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--policy", action="append", help="default: the sweep, and cheap (slo_cost)")
    args = parser.parse_args()
    options = Options(replicas=REPLICAS, prefill_rate=PREFILL)
    traces = [read_trace(path, 0) for path in args.sizes]
    name = " and ".join(each.name for each in traces)
    sizes = Trace(name, [arrival for each in traces for arrival in each.arrivals], traces[0].block)
    days = [day_of(sizes, options, args.seconds, seed) for seed in range(1, args.seeds + 1)]
    least = mean(bound(each, options) for each in days)
    everything = mean(sum(price(each) for each in day.arrivals) for day in days)
    requests = mean(len(each.arrivals) for each in days)
    print(f"{requests:,.0f} requests; everything in the cloud: {everything:.2f} USD; bound: {least:.2f} USD\n")
    print("| policy | cloud, USD | bound x | missed | bought | TTFT p90, s | TPOT p90, s | pool busy: mean, least |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    for policy in args.policy or [*SWEEP, "cheap"]:
        worlds = [play(policy, each, options, seed) for seed, each in enumerate(days, 1)]
        print(f"| {policy} | {row(worlds, least)} |", flush=True)


def row(worlds: list[Day], least: float) -> str:
    results = [world.tally.result(0.0) for world in worlds]
    usd = mean(each.cloud_usd for each in results)
    missed, bought = 1 - mean(each.goodput for each in results), mean(each.spill_share for each in results)
    first, each = mean(each.ttft.p90 or 0.0 for each in results), mean(each.tpot.p90 or 0.0 for each in results)
    busy = [share for world in worlds for share in world.busy()]
    times = f"{first:.2f} | {each:.3f} | {mean(busy):.0%}, {min(busy):.0%}"
    return f"{usd:.2f} | {usd / least:.2f} | {missed:.1%} | {bought:.1%} | {times}"


if __name__ == "__main__":
    main()
