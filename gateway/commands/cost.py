"""`cloverleaf cost`: sums of money and tokens from a ledger."""

import sys
from argparse import ArgumentParser, Namespace
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from gateway.ledger.database import NotALedger, open_to_read
from gateway.ledger.totals import GROUPS, Total, overall, totals


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--by", choices=sorted(GROUPS), default="deployment", help="default: %(default)s")
    parser.add_argument("--ledger", type=Path, default=Path("cloverleaf.db"), help="default: %(default)s")
    parser.add_argument("--since", type=day, metavar="YYYY-MM-DD", help="from this day on (UTC)")
    parser.add_argument("--until", type=day, metavar="YYYY-MM-DD", help="up to and with this day (UTC)")
    parser.add_argument("--json", action="store_true", help="print the figures as JSON")


def day(text: str) -> datetime:
    return datetime.fromisoformat(f"{text}T00:00:00+00:00")


def run(args: Namespace) -> int:
    since = args.since.timestamp() if args.since else 0.0
    until = (args.until + timedelta(days=1)).timestamp() if args.until else float("inf")
    try:
        ledger = open_to_read(args.ledger)
        groups, total = totals(ledger, args.by, since, until), overall(ledger, since, until)
    except NotALedger as error:
        sys.stderr.write(f"cost: {error}\n")
        return 2
    if args.json:
        found = {"by": args.by, "groups": groups, "total": total}
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
    else:
        Console().print(table(args.by, groups, total))
    return 0


def table(by: str, groups: list[Total], total: Total) -> Table:
    """Money and tokens by group, then in all; estimated USD in a column of their own. It fits 80 columns."""
    picture = Table(title=f"Cost by {by}", show_footer=True, box=SIMPLE_HEAD, padding=0, pad_edge=False)
    picture.add_column(by, footer="in all")
    for heading, attribute in (
        ("requests", "requests"),
        ("failed", "failed"),
        ("prompt", "prompt_tokens"),
        ("cached", "cached_tokens"),
        ("output", "completion_tokens"),
        ("unpriced", "unpriced"),
    ):
        picture.add_column(heading, footer=f"{getattr(total, attribute):,}", justify="right")
    picture.add_column("USD", footer=f"{total.cost_usd:,.4f}", justify="right")
    picture.add_column("estimated", footer=f"{total.estimated_cost_usd:,.4f}", justify="right")
    for each in groups:
        counts = (
            each.requests,
            each.failed,
            each.prompt_tokens,
            each.cached_tokens,
            each.completion_tokens,
            each.unpriced,
        )
        money = (f"{each.cost_usd:,.4f}", f"{each.estimated_cost_usd:,.4f}")
        picture.add_row(each.group or "(none)", *(f"{count:,}" for count in counts), *money)
    return picture
