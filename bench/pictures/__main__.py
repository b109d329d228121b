"""The pictures of docs/policies.md. Rule: one for each preset, drawn from simulator runs made here; none by hand.

python -m bench.pictures [NAME...]      # writes docs/pictures/policy-NAME.svg; all of them in a minute of one core
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from statistics import mean

import msgspec

from bench.pictures.drawing import SPAN, by_time, distribution, write
from bench.pictures.runs import asked, played, trace
from gateway.commands.difficulty_examples import examples
from gateway.simulate.trace import Trace
from gateway.simulate.workload_spec import Burst, Group, Outage, Slowdown, Spec
from policies.selection.presets import PRESETS
from policies.vocabulary.quantile import quantile

TIME, WAIT = "seconds since the start", "seconds to the first token"
CHATS = [Group(name="chat", prompt_tokens=1000, output_tokens=200)]
ESSAYS = [Group(name="essays", prompt_tokens=100, output_tokens=1000)]
DOCUMENTS = [
    Group(name="asked often", share=2, prefixes=4, prefix_tokens=8192, prompt_tokens=600, output_tokens=100),
    Group(name="asked rarely", share=3, prefixes=100, prefix_tokens=8192, prompt_tokens=600, output_tokens=100),
]
TALKS = [Group(name="talks", prefix_tokens=1000, prompt_tokens=200, output_tokens=150, conversations=120, turns=20)]
BURSTS = [Burst(at=150, lasts=60, times=1.8), Burst(at=420, lasts=60, times=1.8)]
SPILLS = "A wave with two bursts, a priced cloud behind the pool"
SLOW = "One of four replicas 3 times slower"
SHARES = (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)  # of strong calls

STEADY = trace("steady", Spec(lasts=600, rate=10.5, groups=CHATS))
SLOWED = trace("slowed", Spec(lasts=600, rate=7, groups=CHATS), slow=[Slowdown(replica=0, times=3.0)])
LAGS = trace("lags", Spec(lasts=600, rate=7, groups=CHATS), slow=[Slowdown(replica=0, times=8.0)])
LATER = trace("later", Spec(lasts=600, rate=7, groups=CHATS), slow=[Slowdown(replica=0, times=3.0, at=300.0)])
MANY = trace("many", Spec(lasts=300, rate=84, groups=CHATS))
LONG = trace("long", Spec(lasts=600, rate=4.5, groups=ESSAYS))
SHARED = trace("shared", Spec(lasts=600, rate=14, groups=DOCUMENTS))
TALKED = trace("talked", Spec(lasts=600, rate=14, groups=TALKS))
DAY = trace("day", Spec(lasts=900, rate=11, swing=0.5, period=900, bursts=BURSTS, groups=CHATS))
GONE = trace(
    "gone", Spec(lasts=600, rate=8, groups=CHATS), outages=[Outage(replica=n, at=200, lasts=150) for n in range(4)]
)


def p90(values: list[float]) -> float:
    return quantile(sorted(values), 0.9) or 0.0


def waits(work: Trace, others: Sequence[str], caption: str, kind: str) -> None:
    runs = [(name, played(name, work)) for name in (kind, *others)]
    if any(any(each.blocks for each in work.arrivals) and run.tally.hits for _, run in runs):
        runs = [(f"{name}: {run.tally.result(0.0).hit_rate:.0%} cached", run) for name, run in runs]
    write(kind, caption, WAIT, "% of requests that waited no longer",
          [(name, distribution(run.tally.ttft)) for name, run in runs], logarithmic=True)  # fmt: skip


def paces(work: Trace, others: Sequence[str], caption: str, kind: str) -> None:
    lines = [(name, distribution(1000 * each for each in played(name, work).tally.tpot)) for name in (kind, *others)]
    write(kind, caption, "milliseconds from token to token", "% of answers that were as quick", lines)


def over_time(work: Trace, others: Sequence[str], caption: str, kind: str) -> None:
    lines = [(name, by_time(played(name, work).tally.timeline, p90)) for name in (kind, *others)]
    write(kind, caption, TIME, "seconds to the first token, p90", lines)


def spending(others: Sequence[str], caption: str, kind: str) -> None:
    runs = [(name, played(name, DAY, "day")) for name in (kind, *others)]
    lines = [(f"{name}: {run.tally.result(0.0).goodput:.0%} in time", run.spent) for name, run in runs]
    write(kind, caption, TIME, "USD spent in the cloud", lines)


def shares(caption: str, kind: str) -> None:
    answers = played(kind, STEADY, "moving").answers
    lines = [(f"{place}, weight {weight}", by_time(((at, 100.0 * (where == place)) for at, where in answers), mean))
             for place, weight in (("old", 9), ("new", 1))]  # fmt: skip
    write(kind, caption, TIME, "% of requests", lines)


def answered(caption: str, kind: str) -> None:
    answers = played(kind, GONE, "both").answers
    lines = [(place, by_time(((at, float(where == place)) for at, where in answers), lambda each: sum(each) / SPAN))
             for place in ("gpu", "cloud")]  # fmt: skip
    write(kind, caption, TIME, "requests a second that it answered", lines)


def fullest(work: Trace, replicas: int, others: Sequence[str], caption: str, kind: str) -> None:
    runs = [(name, played(name, work, replicas=replicas).under_way) for name in (kind, *others)]
    lines = [(name, by_time(((at, float(max(n))) for at, n in run), mean)) for name, run in runs]
    write(kind, caption, TIME, "requests at the fullest replica", lines)


def quality(caption: str, kind: str) -> None:
    """What each share cost, and how many of the hard prompts it found; chance lies between the first and the last."""
    words = list(examples(7, 50))
    Random(7).shuffle(words)
    drawn = trace("asked", Spec(lasts=2 * len(words), rate=1, groups=[Group(name="asked", output_tokens=300)]))
    work = msgspec.structs.replace(drawn, arrivals=drawn.arrivals[: len(words)])
    runs = [asked(share, work, words) for share in SHARES]
    found = [(1000 * run.tally.cloud_usd / len(words), 100 * mean(run.hard_ones())) for run in runs]
    write(kind, caption, "USD for 1,000 requests", "% of the hard prompts that the strong model answered",
          [("quality, share 0 % to 100 %", found), ("by chance", [found[0], found[-1]])])  # fmt: skip


PICTURES: Mapping[str, Callable[[str], None]] = {
    "order": partial(answered, "Engines first, the cloud while they are gone (200 to 350 s)"),
    "weighted": partial(shares, "Fixed shares of two deployments"),
    "round_robin": partial(waits, STEADY, ("random", "least_busy"), "Four equal replicas"),
    "random": partial(fullest, SLOWED, 4, ("least_busy",), f"{SLOW}: its queue grows"),
    "least_busy": partial(paces, LONG, ("round_robin", "random"), "Answers of 1,000 tokens on four equal replicas"),
    "power_of_two": partial(fullest, MANY, 32, ("random", "least_busy"), "32 equal replicas"),
    "peak_ewma": partial(waits, LAGS, ("power_of_two", "least_busy"), "One of four replicas 8 times slower"),
    "prequal": partial(waits, SLOWED, ("power_of_two", "peak_ewma"), SLOW),
    "lowest_cost": partial(spending, ("lowest_latency", "slo_cost"), SPILLS),
    "lowest_latency": partial(over_time, LATER, ("least_busy", "peak_ewma"), f"{SLOW} from 300 s on"),
    "highest_throughput": partial(paces, SLOWED, ("least_busy", "peak_ewma"), SLOW),
    "prefix": partial(waits, SHARED, ("cache_aware", "session"), "104 documents, of which a replica's cache holds 40"),
    "session": partial(waits, TALKED, ("prefix", "least_busy"), "120 conversations of 20 turns, four replicas"),
    "slo_cost": partial(spending, ("spill_waiting:0", "highest_throughput", "order"), SPILLS),
    "quality": partial(quality, "Two clouds, 1,100 prompts of which half are hard"),
}  # fmt: skip

if __name__ == "__main__":
    assert set(PICTURES) == {each.kind for each in PRESETS}
    for name in sys.argv[1:] or PICTURES:
        PICTURES[name](name)
