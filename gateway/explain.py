"""`cloverleaf explain`. Rule: the live router's own plan, on a configuration, a request and, if given, a state."""

import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path

import msgspec
from rich.console import Console
from rich.table import Column, Table

from backends.families import FAMILIES
from backends.peek import BadBody, peek
from gateway import clock
from gateway.catalog import compile_catalog
from gateway.config import Config, ConfigError, load
from gateway.keyring import Keyring
from gateway.live import Live
from gateway.status import Report
from policies.explain import Decision, explain
from policies.load import EngineLoad
from policies.types import Request, Snapshot

FAMILY_NAMES = [family.name for family in FAMILIES if not family.form]


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG")
    parser.add_argument("request", metavar="REQUEST.json", help="the body of a request")
    parser.add_argument("--family", choices=FAMILY_NAMES, default="chat", help="its endpoint family")
    parser.add_argument("--state", metavar="FILE", help="a saved reply of the admin port's /api/status")
    parser.add_argument("--seed", type=int, default=0, help="what random choices are drawn from")
    parser.add_argument("--json", action="store_true", help="print the decision record")


def run(args: Namespace) -> int:
    try:
        config = load(Path(args.config))
        body = Path(args.request).read_bytes()
        report = msgspec.json.decode(Path(args.state).read_bytes(), type=Report) if args.state else None
        decision = decide(config, args.family, body, report, args.seed)
    except (ConfigError, OSError, BadBody, LookupError, msgspec.MsgspecError) as error:
        sys.stderr.write(f"explain: {error}\n" if not isinstance(error, ConfigError) else f"{error}\n")
        return 2
    if args.json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(decision)).decode() + "\n")
    else:
        show(decision)
    return 0


def decide(config: Config, family: str, body: bytes, report: Report | None, seed: int) -> Decision:
    """The decision for a body.

    Raises:
        BadBody: it cannot be routed.
        LookupError: its model is not served.
    """
    live = Live()
    embedded = {
        name: [f"http://replica-{i + 1}" for i in range(deployment.replicas or 1)]
        for name, deployment in config.deployments.items()
        if deployment.provider == "embedded"
    }
    if report is not None:
        saved = {each.name: [endpoint.url for endpoint in each.endpoints] for each in report.deployments}
        embedded = {name: saved.get(name, roots) for name, roots in embedded.items()}
    catalog = compile_catalog(config, live, embedded, Keyring())
    now = clock.now()
    if report is not None:
        restore(live, report, now)
    peeked = peek(next(each for each in FAMILIES if each.name == family), body, b"application/json")
    model = catalog.model(peeked.model)
    if model is None:
        raise LookupError(f"the model '{peeked.model}' does not exist in this configuration")
    tokens = live.estimate(model.name, len(body))
    request = Request(family, model.name, peeked.stream, body, tokens, now, seed)
    return explain(request, model, Snapshot(now, catalog.models))


def restore(live: Live, report: Report, now: float) -> None:
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


def show(decision: Decision) -> None:
    """A table a person can read."""
    title = (
        f"{decision.model}: policy {decision.policy}, {decision.family}, about {decision.prompt_tokens} prompt tokens"
    )
    endpoint = Column("endpoint", no_wrap=True)
    table = Table(
        "tier",
        "deployment",
        endpoint,
        "ours",
        "queued",
        "score",
        "verdict",
        title=title,
        box=None,
        pad_edge=False,
        padding=(0, 2, 0, 0),
    )
    for row in decision.considered:
        verdict = "chosen" if row.chosen else f"refused by {row.refused_by}" if row.refused_by else "not chosen"
        queued = "unknown" if row.queued is None else f"{row.queued:g}"
        score = "" if row.score is None else f"{row.score:.3f}"
        table.add_row(
            str(row.tier + 1), row.deployment, row.endpoint, str(row.in_flight), queued, score, verdict,
            style="bold" if row.chosen else None,
        )  # fmt: skip
    console = Console()
    console.print(table)
    if not any(row.chosen for row in decision.considered):
        console.print("No place is left: fallback models would be tried, then the request refused.")
