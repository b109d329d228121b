"""`cloverleaf explain`: the router's own plan for a configuration, a request and, if given, a saved state."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Column, Table

from backends.contract.families import FAMILIES
from backends.contract.peek import BadBody, peek
from gateway import clock
from gateway.catalog.catalog import compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import LOCAL
from gateway.config import Config, ConfigError, load
from gateway.proxy import model_resolution as asking
from gateway.reporting.report import Report
from gateway.state import state_snapshot as saved_state
from gateway.state.live_state import LiveState
from policies.selection.explain import Decision, explain
from policies.selection.model import Snapshot
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.types import Request

FAMILY_NAMES = [family.name for family in FAMILIES if not family.form]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("request", metavar="REQUEST.json", help="the body of a request")
    parser.add_argument("--family", choices=FAMILY_NAMES, default="chat", help="its endpoint family")
    parser.add_argument("--state", metavar="FILE", help="a saved reply of the admin port's /api/status?state")
    parser.add_argument("--header", action="append", default=[], metavar="NAME:VALUE", help="a header of the request")
    parser.add_argument("--key", metavar="NAME", help="whose request it is: a key of auth.keys")
    parser.add_argument("--seed", type=int, default=0, help="what random choices are drawn from")
    parser.add_argument("--json", action="store_true", help="print the decision record")


def run(args: Namespace) -> int:
    try:
        config = load(Path(args.config))
        body = Path(args.request).read_bytes()
        report = msgspec.json.decode(Path(args.state).read_bytes(), type=Report) if args.state else None
        explained = decide(config, args.family, body, report, args.seed, dict(map(_header, args.header)), args.key)
    except (ConfigError, OSError, BadBody, LookupError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"explain: {error}\n" if not isinstance(error, ConfigError) else f"{error}\n")
        return 2
    if args.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(explained)).decode() + "\n")
    else:
        show(explained)
    return 0


def _header(line: str) -> tuple[bytes, bytes]:
    name, _, value = line.partition(":")
    return name.strip().lower().encode("latin-1"), value.strip().encode("latin-1")


class Explained(msgspec.Struct, frozen=True):
    """The route that took the request, the model that would get a copy (empty: none), and the decision."""

    route: str
    mirror: str
    decision: Decision


def decide(
    config: Config,
    family: str,
    body: bytes,
    report: Report | None,
    seed: int,
    headers: Mapping[bytes, bytes],
    key_name: str | None = None,
) -> Explained:
    """The decision for a body.

    Raises:
        BadBody: it cannot be routed.
        LookupError: its model is not served, or not by any place it allows; or there is no such key.
    """
    live = LiveState()
    embedded = {
        name: [f"http://replica-{i + 1}" for i in range(deployment.replicas or 1)]
        for name, deployment in config.deployments.items()
        if deployment.provider.started_here
    }
    if report is not None:
        saved = {each.name: [endpoint.url for endpoint in each.endpoints] for each in report.deployments}
        embedded = {name: saved.get(name, roots) for name, roots in embedded.items()}
    catalog = compile_catalog(config, live, embedded, CredentialRefresher())
    now = clock.now()
    if report is not None and report.state is not None:
        now = saved_state.restore(report.state, live, catalog.candidates)
    elif report is not None:
        restore(live, report, now)
    facts = peek(next(each for each in FAMILIES if each.name == family), body, b"application/json")
    key = catalog.keys.named(key_name) if key_name else LOCAL
    asked = asking.asked(catalog, live, key, headers, facts, seed)
    if isinstance(asked, ErrorResponse):
        raise LookupError(asked.message)
    model = asked.model
    request = Request(
        family=family,
        model=model.name,
        stream=facts.stream,
        prompt_tokens=live.estimate(model.name, len(body)),
        received=now,
        seed=seed,
    )
    if model.needs:
        request = asking.filled(request, facts, model, key, headers, live)
    return Explained(asked.route, asked.mirror, explain(request, model, Snapshot(now, catalog.models)))


def restore(live: LiveState, report: Report, now: float) -> None:
    """Put a saved report's figures where the probes and attempts would have."""
    for deployment in report.deployments:
        for endpoint in deployment.endpoints:
            load = live.loads.get((deployment.name, endpoint.url))
            if load is None:
                continue
            load.down = not endpoint.up
            load.in_flight, load.in_flight_tokens = endpoint.in_flight, endpoint.in_flight_tokens
            if endpoint.running is not None:
                seen = EngineLoad(endpoint.running, endpoint.waiting, endpoint.kv_usage, sleeping=endpoint.sleeping)
                live.scraped((deployment.name, endpoint.url), seen, now)


def show(explained: Explained) -> None:
    """Tables a person can read in a terminal: the choice, and by the same numbers what it was made of."""
    decision, console = explained.decision, Console()
    if explained.route:
        console.print(f"route {explained.route}" + (f", with a copy to {explained.mirror}" if explained.mirror else ""))
    console.print(_title(decision))
    table = _table(
        "tier", "deployment", Column("endpoint", no_wrap=True), "ours", "queued", "score", "propensity", "verdict"
    )
    for number, row in enumerate(decision.considered, 1):
        table.add_row(
            str(number),
            str(row.tier + 1),
            row.deployment,
            row.endpoint,
            str(row.in_flight),
            "unknown" if row.queued is None else f"{row.queued:g}",
            "" if row.score is None else f"{row.score:.3f}",
            f"{row.propensity:.0%}",
            "chosen" if row.chosen else f"refused by {row.refused_by}" if row.refused_by else "not chosen",
            style="bold" if row.chosen else None,
        )
    console.print(table)
    for what, figures in (
        ("scores", [row.scores for row in decision.considered]),
        ("known", [row.features for row in decision.considered]),
        ("foretold", [row.predictions for row in decision.considered]),
    ):
        if any(figures):
            console.print(f"\n{what}")
            console.print(_figures(figures))
    if not any(row.chosen for row in decision.considered):
        console.print("No place is left: fallback models would be tried, then the request refused.")


def _figures(rows: list[dict[str, float]]) -> Table:
    """Figures by name, a row for each candidate; what is not known is left empty."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    table = _table(*names)
    for number, row in enumerate(rows, 1):
        table.add_row(str(number), *(f"{row[name]:.4g}" if name in row else "" for name in names))
    return table


def _table(*columns: Column | str) -> Table:
    return Table("#", *columns, box=None, pad_edge=False, padding=(0, 2, 0, 0))


def _title(decision: Decision) -> str:
    read = f", read from {decision.signal}" if decision.signal else ""
    about = f"{decision.family}, about {decision.prompt_tokens} prompt tokens"
    if decision.difficulty is not None:
        about += f", difficulty {decision.difficulty:.3f} (hard above {decision.threshold:.3f})"
    return f"{decision.model}: policy {decision.policy}, {about}{read}"
