"""`cloverleaf status`. Rule: what a running gateway's /api/status says, in the terminal; it computes nothing itself."""

import sys
import urllib.request
from argparse import ArgumentParser, Namespace
from threading import Event
from urllib.error import HTTPError, URLError

import msgspec
from rich.console import Console, Group
from rich.live import Live
from rich.table import Column, Table
from rich.text import Text

from gateway.status import EndpointStatus, Report

INTERVAL = 1.0  # seconds between looks, with --watch


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--url", default="http://127.0.0.1:8081", help="the admin port (default: %(default)s)")
    parser.add_argument("--token", help="the admin token")
    parser.add_argument("--watch", action="store_true", help="keep looking, until interrupted")
    parser.add_argument("--json", action="store_true", help="print the report as it came")


def run(args: Namespace) -> int:
    try:
        body = fetch(args.url, args.token)
        if args.json:
            sys.stdout.write(body.decode() + "\n")
        elif args.watch:
            watch(args.url, args.token)
        else:
            Console().print(picture(msgspec.json.decode(body, type=Report)))
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"status: {explained(args.url, error)}\n")
        return 2
    except KeyboardInterrupt:
        pass
    return 0


def fetch(url: str, token: str | None) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"not an http(s) URL: {url}")
    request = urllib.request.Request(f"{url.rstrip('/')}/api/status")  # noqa: S310  # the scheme was checked
    if token:
        request.add_header("authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
        return bytes(reply.read())


def explained(url: str, error: Exception) -> str:
    if isinstance(error, HTTPError):
        return f"{url} wants --token" if error.code == 401 else f"{url} answered {error.code}"
    if isinstance(error, URLError):
        return f"no gateway answers at {url}: {error.reason}"
    return str(error)


def watch(url: str, token: str | None) -> None:
    with Live(auto_refresh=False, screen=True) as screen:
        while True:
            screen.update(picture(msgspec.json.decode(fetch(url, token), type=Report)), refresh=True)
            Event().wait(INTERVAL)


def picture(report: Report) -> Group:
    state = "ready" if report.ready else f"not ready: {report.reason}"
    head = f"cloverleaf {report.version}, {state}, {report.active} in flight, up {report.uptime:.0f} s"
    column = Column("endpoint", no_wrap=True)
    table = Table(
        "deployment",
        column,
        "state",
        "ours",
        "running",
        "waiting",
        "KV used",
        "hits",
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for deployment in report.deployments:
        for endpoint in deployment.endpoints:
            table.add_row(deployment.name, endpoint.url, *cells(endpoint))
    return Group(Text(head), table)


def cells(endpoint: EndpointStatus) -> tuple[Text, str, str, str, str, str]:
    queries, hits = endpoint.prefix_queries, endpoint.prefix_hits
    rate = hits / queries if hits is not None and queries else None
    return (
        condition(endpoint),
        str(endpoint.in_flight),
        known(endpoint.running, "g"),
        known(endpoint.waiting, "g"),
        known(endpoint.kv_usage, ".1%"),
        known(rate, ".1%"),
    )


def known(value: float | None, form: str) -> str:
    return "unknown" if value is None else format(value, form)


def condition(endpoint: EndpointStatus) -> Text:
    if not endpoint.up:
        return Text("down", "bold red")
    if endpoint.breakers:
        return Text(", ".join(f"{family} {state}" for family, state in endpoint.breakers.items()), "red")
    if endpoint.sleeping:
        return Text("asleep", "yellow")
    if endpoint.cooling:
        return Text(f"cooling {endpoint.cooling:.1f} s", "yellow")
    return Text("up", "green")
