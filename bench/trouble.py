"""Replicas in trouble, and loads of one kind. Rule: each claim of docs/policies.md about them is a row printed here.

    python -m bench.trouble slow        # one of four replicas three times slower, from the start and from half-way on
    python -m bench.trouble dies        # one of four dies for a minute: who fails before a first token
    python -m bench.trouble burst       # six times the traffic: how much of it the one place gets that gets most
    python -m bench.trouble prefixes    # prompts as code generation has them: input tokens/s at the knee
    python -m bench.trouble decode      # long answers to short prompts, against least_busy

``oracle`` knows each replica's speed at every moment, and sends to the least time to compute what is queued.
"""

import sys
from collections.abc import Callable
from statistics import mean

import msgspec

from bench.simulate import config
from gateway.simulate.baselines import Told, least_scores
from gateway.simulate.generate import draw
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import Simulation
from gateway.simulate.trace import Trace
from gateway.simulate.upstream_models import OwnReplica
from gateway.simulate.workload_spec import Burst, Group, Outage, Slowdown, Spec
from policies.load.candidate import Candidate
from policies.selection.presets import PRESETS
from policies.selection.profile import Policy
from policies.selection.scorers.prefix_cost import DECODE, uncached
from policies.vocabulary.quantile import quantile
from policies.vocabulary.types import Request

KINDS = tuple(each.kind for each in PRESETS)
SEEDS = (1, 2, 3)
TIMES, FROM, FOUND, LASTS = 3.0, 300.0, 30.0, 600.0
CHATS = Group(name="chats", prompt_tokens=1500, output_tokens=150)
Url = tuple[str, str]


class Oracle(Told, frozen=True, tag="oracle"):
    """``slowed``: how many times slower a place is now; told, not learned."""

    slowed: Callable[[Url], float]

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        return least_scores([self.slowed(c.id) * self._tokens(request, c, now) for c in candidates])

    def _tokens(self, request: Request, candidate: Candidate, now: float) -> float:
        load = candidate.load
        return load.backlog.at(now) + uncached(request, candidate) + DECODE * load.in_flight


def world(policy: str, trace: Trace, options: Options, seed: int) -> Simulation:
    if policy != "oracle":
        return Simulation(config(), policy, trace, options, seed)
    made = Simulation(config(), "prefix", trace, options, seed)
    usual = next(place.profile for place in made.places.values() if isinstance(place, OwnReplica))

    def slowed(id: Url) -> float:
        place = made.places[id]
        assert isinstance(place, OwnReplica)
        return place.replica.profile.decode_base / usual.decode_base

    oracle = Policy("oracle", (Oracle(slowed=slowed),))
    made.model = msgspec.structs.replace(made.model, policy=oracle)
    made._models[made.model.name] = made.model
    return made


def played(policy: str, trace: Trace, options: Options, seed: int) -> Simulation:
    made = world(policy, trace, options, seed)
    made.run(lambda arrived: None)
    return made


def drawn(group: Group, rate: float, lasts: float, seed: int, **befalls: object) -> Trace:
    spec = Spec(lasts=lasts, rate=rate, groups=[group])
    arrivals = [msgspec.structs.replace(each, blocks=each.blocks or (-n,)) for n, each in enumerate(draw(spec, seed))]
    return Trace(group.name, arrivals, spec.block, **befalls)  # type: ignore[arg-type]


def between(made: Simulation, start: float, end: float, q: float) -> float:
    return quantile(sorted(ttft for at, ttft in made.tally.timeline if start <= at < end), q) or 0.0


def slow() -> None:
    print("| one of four replicas 3 x slower | TTFT p99, s | x the oracle | from half-way on: p99 before | "
          "in its first 30 s | after them | x the oracle |\n|---|--:|--:|--:|--:|--:|--:|")  # fmt: skip
    least = [0.0, 0.0]
    for policy in ("oracle", *KINDS):
        always, later, before, during = [], [], [], []
        for seed in SEEDS:
            options = Options(replicas=4)
            start = drawn(CHATS, 8.0, LASTS, seed, slow=[Slowdown(replica=0, times=TIMES)])
            always.append(between(played(policy, start, options, seed), 60.0, LASTS, 0.99))
            half = drawn(CHATS, 8.0, LASTS, seed, slow=[Slowdown(replica=0, times=TIMES, at=FROM)])
            made = played(policy, half, options, seed)
            before.append(between(made, 60.0, FROM, 0.99))
            during.append(between(made, FROM, FROM + FOUND, 0.99))
            later.append(between(made, FROM + FOUND, LASTS, 0.99))
        if policy == "oracle":
            least = [mean(always), mean(later)]
        shown = f"{mean(always):.2f} | {mean(always) / least[0]:.2f} | {mean(before):.2f} | {mean(during):.2f}"
        print(f"| `{policy}` | {shown} | {mean(later):.2f} | {mean(later) / least[1]:.2f} |", flush=True)


def dies() -> None:
    print("| one of four dies for a minute | requests | failed before a first token | after it |\n|---|--:|--:|--:|")
    for policy in KINDS:
        worlds = []
        for seed in SEEDS:
            trace = drawn(CHATS, 8.0, LASTS, seed, outages=[Outage(replica=1, at=FROM, lasts=60.0)])
            worlds.append(played(policy, trace, Options(replicas=4), seed))
        results = [made.tally.result(0.0) for made in worlds]
        unanswered = sum(made.unanswered for made in worlds)
        failed = sum(each.errors + each.rejected for each in results)
        print(
            f"| `{policy}` | {sum(r.requests for r in results):,} | {unanswered} | {failed - unanswered} |", flush=True
        )


def burst() -> None:
    """Tokens, not requests: that is what a place is busy with."""
    print(
        "| six times the traffic on four equals | most at one place | worst of 12 seeds | TTFT p99, s |\n"
        "|---|--:|--:|--:|"
    )
    spec = Spec(lasts=35.0, rate=5.0, block=16, groups=[CHATS], bursts=[Burst(at=20.0, lasts=15.0, times=6.0)])
    for policy in KINDS:
        shares, p99 = [], []
        for seed in range(1, 13):
            made = played(policy, Trace("burst", draw(spec, seed), spec.block), Options(replicas=4), seed)
            each = [place.computed for place in made.places.values() if isinstance(place, OwnReplica)]
            shares.append(max(each) / sum(each))
            p99.append(quantile(sorted(made.tally.ttft), 0.99) or 0.0)
        print(f"| `{policy}` | {mean(shares):.1%} | {max(shares):.1%} | {mean(p99):.2f} |", flush=True)


def prefixes() -> None:
    """The knee: the most at which 90 % of the requests are within the service level."""
    group = Group(name="code", prefixes=120, prefix_tokens=16_384, prompt_tokens=1000, output_tokens=60)
    print("| code generation | input tokens/s at the knee | x round_robin |\n|---|--:|--:|")
    least = 0.0
    for policy in ("round_robin", "least_busy", "prefix", "slo_cost"):
        knees = []
        for seed in SEEDS:
            rate = 1.0
            while rate < 40:
                trace = drawn(group, rate, 300.0, seed)
                if played(policy, trace, Options(replicas=8), seed).tally.result(0.0).goodput < 0.9:
                    break
                knee = sum(each.prompt_tokens for each in trace.arrivals) / 300.0
                rate *= 1.15
            knees.append(knee)
        least = least or mean(knees)
        print(f"| {policy} | {mean(knees):,.0f} | {mean(knees) / least:.1f} |", flush=True)


def decode() -> None:
    group = Group(name="essays", prompt_tokens=100, output_tokens=1000)
    print("| long answers, 8 replicas | TTFT p90, s | TPOT p90, s | E2E p90, s | E2E p90 x least_busy |")
    print("|---|--:|--:|--:|--:|")
    for rate in (7.0, 11.0):
        least = 0.0
        for policy in ("least_busy", "prefix", "slo_cost"):
            worlds = [played(policy, drawn(group, rate, LASTS, seed), Options(replicas=8), seed) for seed in SEEDS]
            ttft = mean(quantile(sorted(made.tally.ttft), 0.9) or 0.0 for made in worlds)
            tpot = mean(quantile(sorted(made.tally.tpot), 0.9) or 0.0 for made in worlds)
            whole = mean(quantile(sorted(made.tally.e2e), 0.9) or 0.0 for made in worlds)
            least = least or whole
            cells = f"{ttft:.3f} | {tpot:.4f} | {whole:.1f} | {whole / least:.2f}"
            print(f"| {policy}, {rate:g} a second | {cells} |", flush=True)


PARTS = {"slow": slow, "dies": dies, "burst": burst, "prefixes": prefixes, "decode": decode}

if __name__ == "__main__":
    for name in sys.argv[1:] or PARTS:
        PARTS[name]()
        print()
