"""`cloverleaf check`: sums up a valid file and exits 0; otherwise prints one line per problem and exits 2."""

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Iterator
from pathlib import Path

from gateway.catalog.show import show
from gateway.config.check import warnings
from gateway.config.json_schema import json_schema
from gateway.config.load import load
from gateway.config.problem import ConfigError
from gateway.config.schema import Config

SCREEN = 20  # models in a summary; `--show` has them all


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("config", metavar="CONFIG", nargs="?", help="the YAML file to check")
    parser.add_argument("--show", action="store_true", help="print the resolved configuration, secrets masked")
    parser.add_argument("--schema", action="store_true", help="print the JSON schema, for editors")


def run(args: Namespace) -> int:
    if not args.config:
        if not args.schema:
            sys.stderr.write("check: name a CONFIG, or ask for --schema\n")
            return 2
        sys.stdout.write(json_schema().decode())
        return 0
    try:
        config = load(Path(args.config))
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        return 2
    for warning in warnings(config):
        sys.stderr.write(f"{args.config}: warning: {warning}\n")
    if args.schema:
        sys.stdout.write(json_schema().decode())
    else:
        sys.stdout.write(show(config) if args.show else summary(args.config, config))
    return 0


def summary(file: str, config: Config) -> str:
    return "\n".join(lines(file, config)) + "\n"


def lines(file: str, config: Config) -> Iterator[str]:
    server, admin = config.server, config.admin
    keys = len(config.auth.keys)
    yield f"{file}: valid"
    yield f"listens on {server.host}:{server.port}, admin on {admin.host}:{admin.port}"
    yield f"serves {keys} {'key' if keys == 1 else 'keys'}" if keys else "serves direct loopback clients only: no keys"
    for name in list(config.models)[:SCREEN]:
        yield ""
        yield from model_lines(name, config)
    if len(config.models) > SCREEN:
        yield f"\n... and {len(config.models) - SCREEN} more models: --show prints them"


def model_lines(name: str, config: Config) -> Iterator[str]:
    model = config.models[name]
    aliases = f" (also {', '.join(model.aliases)})" if model.aliases else ""
    yield f"{name}{aliases}: policy {model.policy}"
    for number, tier in enumerate(model.tiers, 1):
        for each in tier:
            deployment = config.deployments[each]
            places = ", ".join(deployment.addresses) or f"{deployment.replicas} started here"
            yield f"  tier {number}  {each}  {deployment.provider.name} {deployment.model}  {places}"
    for label, others in (
        ("fallbacks", model.fallbacks),
        ("when the prompt is too long", model.context_window_fallbacks),
        ("when the content filter refuses", model.content_policy_fallbacks),
    ):
        if others:
            yield f"  {label}: {', '.join(others)}"
