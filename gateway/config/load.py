"""Loads a file into a Config, or raises a ConfigError with every problem. Only here is os.environ read."""

import os
from collections.abc import Mapping
from pathlib import Path

from msgspec import structs

from backends.providers import PROVIDERS
from backends.providers.provider import Provider
from gateway.config.amazon import with_aws
from gateway.config.check import check
from gateway.config.decode import decode
from gateway.config.google import with_google
from gateway.config.names import check_names
from gateway.config.not_yet import not_yet
from gateway.config.policy import PARTS, Parts
from gateway.config.problem import ConfigError
from gateway.config.problem import Path as Keys
from gateway.config.schema import Config
from gateway.config.source import read


def load(
    path: Path,
    environ: Mapping[str, str] = os.environ,
    parts: Parts = PARTS,
    providers: tuple[Provider, ...] = PROVIDERS,
) -> Config:
    """The configuration in a file, checked. ``parts``: what its policies may be composed of; ``providers``: what its
    deployments may name."""
    source = read(path, environ)
    config, problems = decode(source, parts, providers)
    unsound = {entry(problem.path) for problem in problems}
    config, google = with_google(config, environ)
    config, aws = with_aws(config, environ)
    findings = [*check(config), *google, *aws, *check_names(config, source)]
    problems += [source.problem(*finding) for finding in findings if entry(finding[0]) not in unsound]
    problems += [source.problem(*finding) for finding in not_yet(config)]
    if problems:
        raise ConfigError(problems)
    deployments = {name: deployment.resolved() for name, deployment in config.deployments.items()}
    return structs.replace(config, deployments=deployments)


def entry(path: Keys) -> Keys:
    """The deployment, model, key or setting a path lies in: its own slips are mended before it is cross-checked."""
    return path[: 3 if path[:1] == ("auth",) else 2]
