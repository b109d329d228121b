"""Configuration values as their YAML would be written: units, masked secrets, unset fields left out."""

from collections.abc import Iterable
from typing import cast

from msgspec import inspect

from backends.providers.provider import Provider
from gateway.config.scalar import notation_of
from gateway.config.secret import MASK


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
