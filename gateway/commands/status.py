"""`cloverleaf status`: a running gateway's /api/status in the terminal. It computes nothing itself."""

import os
import re
import sys
import urllib.request
from argparse import ArgumentParser, Namespace
from collections import deque
from http.client import HTTPException
from pathlib import Path
from threading import Event
from urllib.error import HTTPError, URLError

import msgspec
from rich.console import Console
from rich.live import Live

from gateway.commands.status_view import picture
from gateway.config.admin_token import VARIABLE, admin_token
from gateway.reporting.report import Report

INTERVAL = 1.0  # seconds between looks
WIDTH = 24  # looks that the line of requests per second goes back


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--url", default="http://127.0.0.1:8081", help="the admin port (default: %(default)s)")
    parser.add_argument("--token", help=f"the admin token (default: ${VARIABLE})")
    parser.add_argument("--once", action="store_true", help="one look; also where the output is not a terminal")
    parser.add_argument("--json", action="store_true", help="one look, as JSON")
    parser.add_argument("--svg", metavar="FILE", type=Path, help="one look, as a picture")


def run(args: Namespace) -> int:
    token = args.token or admin_token()
    try:
        body = fetch(args.url, token)
        report = msgspec.json.decode(body, type=Report)
        if args.json:
            sys.stdout.write(body.decode() + "\n")
        elif args.svg:
            save(report, args.svg)
        elif args.once or not sys.stdout.isatty():
            Console().print(picture(report))
        else:
            watch(args.url, token, report)
    except KeyboardInterrupt:
        pass
    except (OSError, ValueError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"status: {explained(args.url, error)}\n")
        return 2
    return 0


def fetch(url: str, token: str | None) -> bytes:
    if not url.startswith(("http://", "https://")):
        raise ValueError(f"not an http(s) URL: {url}")
    request = urllib.request.Request(f"{url.rstrip('/')}/api/status")  # noqa: S310  # the scheme was checked
    if token:
        request.add_header("authorization", f"Bearer {token}")
    try:
        with urllib.request.urlopen(request, timeout=5) as reply:  # noqa: S310
            return bytes(reply.read())
    except HTTPException as error:
        raise ConnectionError(f"it does not speak HTTP: {error!r}") from error


def explained(url: str, error: Exception) -> str:
    if isinstance(error, HTTPError):
        wants = {
            401: f"{url} wants the admin token: --token, or ${VARIABLE}",
            403: f"{url} serves its own machine only",
        }
        return wants.get(error.code, f"{url} answers {error.code}: is it a gateway's admin port?")
    if isinstance(error, URLError):
        return f"no gateway answers at {url}: {error.reason}"
    if isinstance(error, msgspec.MsgspecError):
        return f"{url} is no gateway's admin port, or one of another version: {error}"
    return f"no gateway answers at {url}: {error}" if isinstance(error, OSError) else str(error)


def watch(url: str, token: str | None, report: Report) -> None:
    """Look again and again; a gateway that does not answer is asked again, and its last words stay."""
    history: deque[float] = deque(maxlen=WIDTH)
    with Live(auto_refresh=False, screen=True) as screen:
        trouble = ""
        while True:
            history.append(report.now.total.requests)
            screen.update(picture(report, history, trouble), refresh=True)
            Event().wait(INTERVAL)
            try:
                report, trouble = msgspec.json.decode(fetch(url, token), type=Report), ""
            except (OSError, msgspec.MsgspecError) as error:
                trouble = f"Not connected, trying again: {explained(url, error)}"


def save(report: Report, path: Path) -> None:
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=118, file=nowhere)
        console.print(picture(report))
    drawn = console.export_svg(title="cloverleaf status --once")
    path.write_text(re.sub(r"@font-face \{.*?\}\s*", "", drawn, flags=re.DOTALL))  # fonts from elsewhere
