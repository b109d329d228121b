"""`cloverleaf report`: reports on recorded traffic. Nothing is sent anywhere. Exits 2 with one line on bad input."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from gateway.commands.cost import day
from gateway.config import Config, ConfigError, load
from gateway.config.problem import suggest
from gateway.history.from_ledger import recorded
from gateway.history.from_records import columns, foreign
from gateway.history.past_request import History
from gateway.ledger.database import NotALedger
from gateway.report import ledger_report as week
from gateway.report import migration_report as prove
from gateway.report.render import show_proof, show_week
from gateway.simulate.trace import TraceError


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="current or planned configuration")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--ledger", type=Path, help="this gateway's ledger (default: cloverleaf.db)")
    what.add_argument(
        "--from", dest="source", type=Path, metavar="FILE", help="a history: .csv, .jsonl, .json or a ledger"
    )
    parser.add_argument("--columns", type=str, metavar="MAP", help="of other tables: time=…,prompt=…,output=…[,cost=…]")
    parser.add_argument("--since", type=day, metavar="YYYY-MM-DD", help="first day (UTC)")
    parser.add_argument("--until", type=day, metavar="YYYY-MM-DD", help="last day, inclusive (UTC)")
    parser.add_argument("--model", metavar="NAME", help="only requests of this model (default: all)")
    parser.add_argument("--price", metavar="IN,OUT", help="of the cloud, USD per 1M tokens (default: fitted)")
    parser.add_argument("--gpu-cost", type=float, default=2.0, metavar="USD", help="per GPU hour (%(default)s)")
    parser.add_argument(
        "--speed", type=float, action="append", metavar="TIMES", help="of a GPU (0.5 and 1); may be repeated"
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of random choices")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def run(args: Namespace) -> int:
    try:
        config = load(Path(args.config)) if args.config else None
        checked(args, config)
        if args.source is not None:
            with progress() as done:
                history = since(read(args, lambda count: done("reading", count)), args)
                proof = prove.prove(history, config, args.model, options(args), done)
            _print(args, proof, show_proof)
        else:
            path = args.ledger or Path("cloverleaf.db")
            with progress() as done:
                found = week.week(path, config, *period(args), args.model, args.seed, done)
            _print(args, found, show_week)
    except (ConfigError, TraceError, NotALedger, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n" if isinstance(error, ConfigError | TraceError) else f"report: {error}\n")
        return 2
    except KeyboardInterrupt:
        return 130
    return 0


def checked(args: Namespace, config: Config | None) -> None:
    """
    Raises:
        ValueError: an option makes no sense.
    """
    for flag, values in (("gpu-cost", [args.gpu_cost]), ("speed", args.speed or [])):
        if any(not 0 < value < float("inf") for value in values):
            raise ValueError(f"--{flag} must be more than 0")
    if args.columns and (args.source is None or args.source.suffix == ".db"):
        raise ValueError("--columns needs --from")
    if config is not None and args.model is not None and args.model not in config.models:
        raise ValueError(f'--model: the model "{args.model}" is not defined{suggest(args.model, config.models)}')


def options(args: Namespace) -> prove.Options:
    """
    Raises:
        ValueError: the price is malformed.
    """
    price = None
    if args.price:
        try:
            price = tuple(float(each) for each in args.price.split(","))
        except ValueError:
            price = ()
        if len(price) != 2 or not all(0 <= each < float("inf") for each in price):
            raise ValueError(f'--price: "{args.price}" is not IN,OUT, as in 0.15,0.60 (USD per 1M tokens)')
    return prove.Options(price, args.gpu_cost, tuple(args.speed or (0.5, 1.0)), args.seed)


def read(args: Namespace, done: Callable[[int], None]) -> History:
    path: Path = args.source
    if path.suffix in (".csv", ".jsonl", ".json"):
        return foreign(path, columns(args.columns) if args.columns else None, done)
    if path.suffix not in (".db", ".sqlite"):
        raise TraceError(f"{path}: the name of a history must end in .csv, .jsonl, .json or .db")
    history = recorded(path)
    if not history.requests:
        raise TraceError(f"{path}: it has no requests")
    return history


def since(history: History, args: Namespace) -> History:
    """The part that was selected: a model, some days.

    Raises:
        TraceError: there is nothing.
    """
    start, end = period(args)
    models = {each.model for each in history.requests}
    wanted = args.model if args.model in models or not args.config else None
    if args.model and not args.config and args.model not in models:
        raise TraceError(f'{args.source}: no request of the model "{args.model}"{suggest(args.model, models)}')
    kept = [each for each in history.requests if start <= each.at < end and (wanted is None or each.model == wanted)]
    if not kept:
        raise TraceError(f"{args.source}: no request in those days")
    return msgspec.structs.replace(history, requests=kept)


def period(args: Namespace) -> tuple[float, float]:
    start = args.since.timestamp() if args.since else 0.0
    return start, (args.until + timedelta(days=1)).timestamp() if args.until else float("inf")


@contextmanager
def progress() -> Iterator[Callable[[str, int], None]]:
    """A progress bar of simulated requests."""
    bar = Progress(
        TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,.0f} requests"),
        TimeRemainingColumn(), console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty(),
    )  # fmt: skip
    with bar:
        task = bar.add_task("reading", total=None)
        yield lambda what, count: bar.update(task, description=what, advance=count)


def _print(args: Namespace, found: msgspec.Struct, show: Callable[..., None]) -> None:
    if args.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        show(Console(), found)
