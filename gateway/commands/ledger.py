"""`cloverleaf ledger`: exports a ledger's rows for other tools. Exits 2 with one line on bad input."""

import sqlite3
import sys
from argparse import ArgumentParser, Namespace
from contextlib import closing
from datetime import timedelta
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from gateway.commands.cost import day
from gateway.ledger.database import TABLES, NotALedger, open_to_read
from gateway.ledger.export import NoParquet, count, rows, write_jsonl, write_parquet

WRITERS = {".jsonl": write_jsonl, ".parquet": write_parquet}


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("action", choices=["export"], help="write its rows to a file")
    parser.add_argument("file", type=Path, metavar="FILE", help="ending in .jsonl or .parquet")
    parser.add_argument("--ledger", type=Path, default=Path("cloverleaf.db"), help="default: %(default)s")
    parser.add_argument("--table", choices=sorted(TABLES), default="requests", help="default: %(default)s")
    parser.add_argument("--since", type=day, metavar="YYYY-MM-DD", help="from this day on (UTC)")
    parser.add_argument("--until", type=day, metavar="YYYY-MM-DD", help="up to and with this day (UTC)")


def run(args: Namespace) -> int:
    writer = WRITERS.get(args.file.suffix)
    if writer is None:
        sys.stderr.write(f"ledger: {args.file}: an export ends in {' or '.join(WRITERS)}\n")
        return 2
    since = args.since.timestamp() if args.since else 0.0
    until = (args.until + timedelta(days=1)).timestamp() if args.until else float("inf")
    try:
        with (
            closing(open_to_read(args.ledger)) as ledger,
            Progress(console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()) as bar,
        ):
            total = count(ledger, args.table, since, until)
            task = bar.add_task(args.table, total=total)
            writer(args.file, args.table, rows(ledger, args.table, since, until), lambda n: bar.advance(task, n))
    except (NotALedger, NoParquet, OSError, sqlite3.Error) as error:
        sys.stderr.write(f"ledger: {error}\n")
        return 2
    sys.stdout.write(f"{total} rows of {args.table} in {args.file}\n")
    return 0
