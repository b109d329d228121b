"""The configuration's JSON schema, made from the structs and their docstrings, so that editors say what `check`
says.
"""

import re
import sys
from typing import Any

import msgspec
from msgspec import inspect

from backends.providers import PROVIDERS
from backends.providers.provider import Provider
from gateway.config.encode import encode
from gateway.config.policy import parts_of
from gateway.config.scalar import notation_of, words_of
from gateway.config.schema import Config
from gateway.config.units import Unit

Schema = dict[str, Any]

NULL: Schema = {"type": "null"}

SUBSTITUTED = r"\$\{[A-Za-z_][A-Za-z0-9_]*\}|^file:/"  # stands in for any scalar


def json_schema() -> bytes:
    """The schema of the configuration, draft 2020-12."""
    definitions: dict[str, Schema] = {}
    root = schema_of(inspect.type_info(Config), definitions)
    document = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Cloverleaf configuration",
        **root,
        "$defs": dict(sorted(definitions.items())),
    }
    return msgspec.json.format(msgspec.json.encode(document), indent=2) + b"\n"


def descriptions(struct: type) -> dict[str, str]:
    """The `key: sentence` lines of the docstrings of a Struct and of its bases."""
    lines = [re.findall(r"^\s+(\w+): (.+)$", each.__doc__ or "", re.MULTILINE) for each in struct.__mro__]
    return dict(pair for each in reversed(lines) for pair in each)


def description(struct: type) -> str:
    """The first sentence of its docstring, or of its module's, which has no other class."""
    said = struct.__doc__ or sys.modules[struct.__module__].__doc__ or ""
    return " ".join(said.split("\n\n")[0].split())


def schema_of(kind: inspect.Type, definitions: dict[str, Schema]) -> Schema:
    if isinstance(kind, inspect.StructType) and kind.cls is Provider:
        return scalar(inspect.LiteralType(tuple(sorted(provider.name for provider in PROVIDERS))))
    if isinstance(kind, inspect.StructType):
        return struct(kind, definitions)
    if isinstance(kind, inspect.DictType):
        keys, values = schema_of(kind.key_type, definitions), schema_of(kind.value_type, definitions)
        return {"type": "object", "propertyNames": keys, "additionalProperties": values}
    if isinstance(kind, inspect.ListType | inspect.VarTupleType):
        return {"type": "array", "items": schema_of(kind.item_type, definitions)}
    if isinstance(kind, inspect.UnionType):
        return union([schema_of(each, definitions) for each in kind.types])
    return scalar(kind)


def union(members: list[Schema]) -> Schema:
    """Either of several; `null` joins the types of a lone other member, which reads better."""
    others = [each for each in members if each != NULL]
    if len(others) == 1 and "type" in others[0]:
        return others[0] | {"type": [*types(others[0]), "null"]}
    return {"anyOf": members}


def types(schema: Schema) -> list[str]:
    return schema["type"] if isinstance(schema["type"], list) else [schema["type"]]


def struct(kind: inspect.StructType, definitions: dict[str, Schema]) -> Schema:
    name = named(kind)
    if name not in definitions:
        definitions[name] = {}  # holds the place while its own fields are walked
        if known := parts_of(kind.cls):
            parts = [struct(each, definitions) for each in known.values()]
            definitions[name] = {"description": description(kind.cls), "anyOf": parts}
        else:
            definitions[name] = mapping(kind, definitions)
    return {"$ref": f"#/$defs/{name}"}


def named(kind: inspect.StructType) -> str:
    """A part is named by its sort, too: a scorer is called as something else is; rules by what they rule."""
    sort = kind.cls.__mro__[1].__name__ if kind.tag is not None and not parts_of(kind.cls) else ""
    return kind.cls.__name__.removesuffix("Rules") + sort


def mapping(kind: inspect.StructType, definitions: dict[str, Schema]) -> Schema:
    said = descriptions(kind.cls)
    tag = {} if kind.tag is None else {"kind": {"description": "Which one.", **words([str(kind.tag)])}}
    return {
        "type": "object",
        "description": description(kind.cls),
        "properties": tag | {each.name: field(each, said[each.name], definitions) for each in kind.fields},
        "required": [*tag, *(each.name for each in kind.fields if each.required)],
        "additionalProperties": False,
    }


def words(known: list[str]) -> Schema:
    return {"anyOf": [{"enum": known}, {"type": "string", "pattern": SUBSTITUTED}]}


def field(each: inspect.Field, description: str, definitions: dict[str, Schema]) -> Schema:
    own = {"description": description, **schema_of(each.type, definitions)}
    default = each.default
    if default in (msgspec.NODEFAULT, None, ()) or isinstance(default, msgspec.Struct):
        return own
    return own | {"default": encode(each.type, default)}


def scalar(kind: inspect.Type) -> Schema:
    """One scalar: `pattern` speaks of strings only, `minimum` and its kin of numbers only."""
    notation = notation_of(kind)
    if notation:
        own: Schema = {"type": "string", "pattern": f"{notation.pattern}|{SUBSTITUTED}"}
        return own | {"type": ["string", "integer"], "minimum": 0, "maximum": 0} if isinstance(notation, Unit) else own
    if isinstance(kind, inspect.NoneType):
        return NULL
    if known := words_of(kind):
        return words(known)
    if isinstance(kind, inspect.BoolType):
        return {"type": ["boolean", "string"], "pattern": SUBSTITUTED}
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if not isinstance(kind, inspect.IntType | inspect.FloatType):
        return {"type": "string"}
    bounds = {"exclusiveMinimum": kind.gt, "minimum": kind.ge, "exclusiveMaximum": kind.lt, "maximum": kind.le}
    name = "integer" if isinstance(kind, inspect.IntType) else "number"
    own = {"type": [name, "string"], "pattern": SUBSTITUTED}
    return own | {key: bound for key, bound in bounds.items() if bound is not None}
