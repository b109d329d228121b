"""The resolved configuration as YAML: defaults filled in, units written out, secrets masked."""

from collections.abc import Iterable
from typing import cast

import msgspec
import yaml
from msgspec import inspect

from backends.providers.provider import Provider
from gateway.catalog.policy_compiler import named
from gateway.config.deployment import Model
from gateway.config.policy import Route
from gateway.config.scalar import notation_of
from gateway.config.schema import Config
from gateway.config.secret import MASK
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


def encode(kind: inspect.Type, value: object) -> object:
    """A value as its YAML would be written."""
    notation = notation_of(kind)
    if value is None or isinstance(kind, inspect.CustomType):
        return None if value is None else MASK
    if notation:
        return notation.show(value)
    if isinstance(value, Provider):
        return value.name
    if isinstance(kind, inspect.StructType):
        fields = {field.name: encode(field.type, getattr(value, field.name)) for field in kind.fields}
        return {name: field for name, field in fields.items() if field not in (None, [], {})}
    if isinstance(kind, inspect.DictType):
        return {key: encode(kind.value_type, item) for key, item in cast(dict[str, object], value).items()}
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return [encode(kind.item_type, item) for item in cast(Iterable[object], value)]
    if isinstance(kind, inspect.UnionType):
        return encode(member(kind, value), value)
    return value


def member(kind: inspect.UnionType, value: object) -> inspect.Type:
    """The kind within a union that a value (not null) is of: its list when the value is one."""
    found = [
        each
        for each in kind.types
        if not isinstance(each, inspect.NoneType) and isinstance(each, inspect.ListType) == isinstance(value, list)
    ]
    return found[0] if found else kind.types[0]


def policies(config: Config) -> dict[str, object]:
    """Every policy that is named or used, by its parts."""
    used = [model.policy for model in config.models.values()]
    used += [route.to.policy for route in config.routes if route.to and route.to.policy]
    return {name: parts(named(config, name)) for name in dict.fromkeys([*config.policies, *used])}


def parts(policy: Policy) -> object:
    """A policy's parts, each by its kind; what is left at nothing is left out."""
    return {key: value for key, value in msgspec.to_builtins(policy, builtin_types=()).items() if value}
