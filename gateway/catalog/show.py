"""The resolved configuration as YAML: defaults filled in, units written out, secrets masked."""

from typing import cast

import msgspec
import yaml
from msgspec import inspect

from gateway.catalog.policy_compiler import named
from gateway.config.deployment import Model
from gateway.config.encode import encode
from gateway.config.policy import Route
from gateway.config.schema import Config
from policies.selection.profile import Policy


def show(config: Config) -> str:
    """The resolved configuration; each policy in use is expanded into its parts."""
    data = cast(dict[str, object], encode(inspect.type_info(Config), config))
    return yaml.safe_dump(data | {"policies": policies(config)}, sort_keys=False, allow_unicode=True, width=120)


class Shown(msgspec.Struct, frozen=True):
    """The configuration as the router sees it: whole, and what a reader looks for first."""

    yaml: str
    policies: dict[str, object]
    models: dict[str, Model]
    routes: object


def shown(config: Config) -> Shown:
    routes = encode(inspect.type_info(list[Route]), config.routes)
    return Shown(show(config), policies(config), config.models, routes)


def policies(config: Config) -> dict[str, object]:
    """Every policy that is named or used, by its parts."""
    used = [model.policy for model in config.models.values()]
    used += [route.to.policy for route in config.routes if route.to and route.to.policy]
    return {name: parts(named(config, name)) for name in dict.fromkeys([*config.policies, *used])}


def parts(policy: Policy) -> object:
    """A policy's parts, each by its kind; what is left at nothing is left out."""
    return {key: value for key, value in msgspec.to_builtins(policy, builtin_types=()).items() if value}
