"""`cloverleaf simulate`: plays a trace through policies; writes a table, JSON or a page. Exits 2 on bad input."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from backends.engine.profile import Profile
from gateway.commands.cost import day
from gateway.config import Config, ConfigError, load
from gateway.config.names import PRESETS
from gateway.config.problem import suggest
from gateway.history.replay import Replay
from gateway.simulate.baselines import BASELINES
from gateway.simulate.html_page import page
from gateway.simulate.simulated_pool import Options
from gateway.simulate.simulation import Simulation
from gateway.simulate.summary import Summary, summarise
from gateway.simulate.text_table import table
from gateway.simulate.trace import Trace, TraceError
from gateway.simulate.trace_readers import read_trace
from gateway.simulate.workload_spec import load_as


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG")
    played = parser.add_mutually_exclusive_group(required=True)
    played.add_argument("--trace", metavar="FILE", help="Mooncake .jsonl, Azure .csv, or a spec .yaml")
    played.add_argument("--from-ledger", type=Path, metavar="FILE", help="what a gateway recorded, as it arrived")
    parser.add_argument("--since", type=day, metavar="YYYY-MM-DD", help="of a ledger: from this day on (UTC)")
    parser.add_argument("--until", type=day, metavar="YYYY-MM-DD", help="of a ledger: up to and with this day (UTC)")
    parser.add_argument("--policy", action="append", metavar="NAME", help="again for each one to compare")
    parser.add_argument("--model", metavar="NAME", help="the model that is asked for (default: the first)")
    parser.add_argument("--rate", type=float, default=1.0, metavar="TIMES", help="how many times as fast to play it")
    parser.add_argument("--seed", type=int, default=0, help="what random choices are drawn from")
    parser.add_argument(
        "--profile", metavar="FILE", help="what a replica costs and holds, as bench.fidelity.fit writes it"
    )
    parser.add_argument("--replicas", type=int, metavar="N", help="endpoints of each own deployment")
    parser.add_argument("--kv-tokens", type=int, metavar="N", help="what the KV cache of a replica holds")
    parser.add_argument("--prefill-rate", type=float, metavar="TOK_S", help="uncached prompt tokens a second")
    parser.add_argument("--json", action="store_true", help="print the results for a script")
    parser.add_argument("--html", metavar="FILE", help="write a page with plots")


def run(args: Namespace) -> int:
    try:
        config = load(Path(args.config))
        options = checked(args, config)
        policies = args.policy or [config.models[options.model or next(iter(config.models))].policy]
        check_policies(policies, config)
        replay = None
        if args.from_ledger:
            replay = Replay(args.from_ledger, config, options, args.since, args.until)
            options = replay.options
        trace = (replay.trace if replay else read_trace(Path(args.trace), args.seed)).paced(args.rate)
        summaries = {"recorded": replay.reality(policies[0])} if replay else {}
        summaries |= play(config, policies, trace, options, args.seed)
        if args.html:
            Path(args.html).write_text(page(trace, summaries), encoding="utf-8")
    except (ConfigError, TraceError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n" if isinstance(error, ConfigError | TraceError) else f"simulate: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    if args.json:
        results = {name: summary.result for name, summary in summaries.items()}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(results)).decode() + "\n")
    else:
        Console().print(table(trace, summaries))
    for caveat in replay.caveats if replay else ():
        sys.stderr.write(f"note: {caveat}\n")
    return 0


def checked(args: Namespace, config: Config) -> Options:
    """The options of the pool.

    Raises:
        ValueError: one of them makes no sense.
        ConfigError: the profile's file has problems in it.
    """
    for flag in ("rate", "replicas", "kv_tokens", "prefill_rate"):
        value = getattr(args, flag)
        if value is not None and not 0 < value < float("inf"):
            raise ValueError(f"--{flag.replace('_', '-')} must be more than 0")
    if args.model is not None and args.model not in config.models:
        raise ValueError(f'--model: the model "{args.model}" is not defined{suggest(args.model, config.models)}')
    profile = load_as(Profile, Path(args.profile))[0] if args.profile else Profile()
    return Options(
        model=args.model,
        profile=profile,
        replicas=args.replicas,
        kv_tokens=args.kv_tokens,
        prefill_rate=args.prefill_rate,
    )


def check_policies(names: list[str], config: Config) -> None:
    """
    Raises:
        ValueError: one of them is neither a preset, nor defined, nor a baseline.
    """
    known = [*config.policies, *sorted(PRESETS), *(policy.kind for policy in BASELINES)]
    for name in names:
        if name not in known:
            raise ValueError(f'--policy: the policy "{name}" is not defined{suggest(name, known)}')


def play(config: Config, policies: list[str], trace: Trace, options: Options, seed: int) -> dict[str, Summary]:
    """One run for each policy, over the same requests."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:.0f}/{task.total:.0f} requests"),
        TimeRemainingColumn(), console=Console(stderr=True), transient=True,
    )  # fmt: skip
    with bar:
        tasks = {name: bar.add_task(name, total=len(trace.arrivals), start=False) for name in dict.fromkeys(policies)}
        return {name: _play(Simulation(config, name, trace, options, seed), bar, task) for name, task in tasks.items()}


def _play(world: Simulation, bar: Progress, task: TaskID) -> Summary:
    bar.start_task(task)
    world.run(lambda arrived: bar.update(task, completed=arrived))
    return summarise(world)
