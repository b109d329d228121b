"""The pictures of docs/policies.md. Rule: each is drawn from simulator runs made here; nothing is drawn by hand.

python -m bench.pictures            # writes docs/pictures/policy-*.svg, in half a minute of one core
"""

import tempfile
from collections.abc import Sequence
from html import escape
from pathlib import Path

from gateway.config import Config, load
from gateway.simulate.draw import draw
from gateway.simulate.plot import COLOURS, HEIGHT, WIDTH, Line, curves
from gateway.simulate.pool import Options
from gateway.simulate.spec import Burst, Group, Slowdown, Spec
from gateway.simulate.tally import quantile
from gateway.simulate.trace import Trace
from gateway.simulate.world import World

FOLDER = Path(__file__).parents[1] / "docs" / "pictures"
POOL = """
deployments:
  gpu: {provider: embedded, model: m, replicas: 4}
  cloud: {provider: openai_compatible, model: m, base_url: "http://127.0.0.1:9/v1", price: {input: 0.2, output: 0.8}}
models: {own: {deployments: [gpu], policy: order}, both: {deployments: [gpu, cloud], policy: order}}
policies: {in_time: {kind: slo_cost, slo: {ttft: 1s, per_1k_tokens: 100ms, tpot: 100ms}}}
"""
CHATS = [Group(name="chat", prompt_tokens=1000, output_tokens=200)]
DOCUMENTS = [Group(name="docs", prefixes=60, prefix_tokens=8192, prompt_tokens=600, output_tokens=100)]
SPAN = 10.0  # seconds that a point over time stands for
ROW = 16  # pixels of a line of the legend


def config() -> Config:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pool.yaml"
        path.write_text(POOL)
        return load(path, {})


def played(policy: str, trace: Trace, model: str) -> World:
    made = World(config(), "in_time" if policy == "slo_cost" else policy, trace, Options(model=model), 1)
    made.run(lambda arrived: None)
    return made


def trace(spec: Spec, **befalls: object) -> Trace:
    return Trace("drawn", draw(spec, 1), spec.block, **befalls)  # type: ignore[arg-type]


def distribution(values: Sequence[float]) -> Line:
    """Share of the requests (up) that took no longer than so many seconds (across)."""
    ordered = sorted(values)
    return Line([(quantile(ordered, share / 60) or 0.0, share / 60) for share in range(61)])


def write(name: str, caption: str, names: Sequence[str], drawing: str) -> None:
    """A file that stands alone: the plot, its caption above it, and whose line is whose below."""
    legend = "".join(
        f'<text x="{48 + n % 2 * 240}" y="{HEIGHT + 34 + n // 2 * ROW}" style="fill:{COLOURS[n % len(COLOURS)]}">'
        f"&#9632; {escape(each)}</text>"
        for n, each in enumerate(names)
    )
    height = HEIGHT + 34 + -(-len(names) // 2) * ROW
    inside = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"policy-{name}.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="11"><style>text{{fill:#777}}.grid{{stroke:#8885;stroke-width:.5}}</style>'
        f'<text x="8" y="14" font-size="12">{escape(caption)}</text><g transform="translate(0 18)">{inside}</g>'
        f"{legend}</svg>\n"
    )


def waits(name: str, caption: str, policies: Sequence[str], work: Trace) -> None:
    worlds = [played(policy, work, "own") for policy in policies]
    lines = [distribution(made.tally.ttft) for made in worlds]
    write(name, caption, policies, curves(lines, logarithmic=True))


def costs(policies: Sequence[str], work: Trace) -> None:
    """USD spent in the cloud by the time of arrival, and in the legend the share of requests that were in time."""
    lines, names = [], []
    for policy in policies:
        made, spent = World(config(), "in_time" if policy == "slo_cost" else policy, work, Options(model="both"), 1), []
        made.tally = type(made.tally)(config().policies["in_time"].slo)

        def note(now: float, points: list[tuple[float, float]], made: World = made) -> None:
            points.append((now, made.tally.cloud_usd))
            if now < work.arrivals[-1].at:
                made.agenda.at(now + SPAN, lambda at, _: note(at, points, made), None)

        note(0.0, spent)
        made.run(lambda arrived: None)
        lines.append(Line(spent))
        names.append(f"{policy}: {made.tally.result(0.0).goodput:.0%} in time")
    write("cost", "USD spent in the cloud, over seconds: a wave with two bursts", names, curves(lines))


def main() -> None:
    steady = trace(Spec(lasts=600, rate=10.5, groups=CHATS))
    equal = ("order", "weighted", "random", "round_robin", "least_busy", "power_of_two")
    waits("equal", "Share of first tokens within so many seconds: four equal replicas", equal, steady)
    slowed = trace(Spec(lasts=600, rate=7, groups=CHATS), slow=[Slowdown(replica=0, times=3.0)])
    uneven = ("least_busy", "peak_ewma", "prequal", "lowest_latency", "highest_throughput", "slo_cost")
    waits("uneven", "Share of first tokens within so many seconds: one of four replicas 3 x slower", uneven, slowed)
    shared = trace(Spec(lasts=600, rate=9, groups=DOCUMENTS))
    holders = ("prefix", "slo_cost", "cache_aware", "least_busy")
    waits("prefix", "Share of first tokens within so many seconds: 60 documents of 8,192 tokens", holders, shared)
    bursts = [Burst(at=150, lasts=60, times=1.8), Burst(at=420, lasts=60, times=1.8)]
    day = trace(Spec(lasts=900, rate=11, swing=0.5, period=900, bursts=bursts, groups=CHATS))
    costs(("order", "lowest_cost", "lowest_latency", "highest_throughput", "slo_cost"), day)


if __name__ == "__main__":
    main()
