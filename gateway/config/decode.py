"""The configuration decoder: walks the schema once and collects every problem; a bad value is replaced by its default.

What has no default takes the thing around it along, up to an entry or a list that can be left out.
"""

from collections.abc import Callable
from typing import Final, cast

import msgspec
from msgspec import UNSET, inspect

from backends.providers import PROVIDERS
from backends.providers.provider import Provider
from gateway.config.policy import PARTS, Parts, parts_of
from gateway.config.problem import Path, Problem, suggest
from gateway.config.scalar import choice, noun, scalar
from gateway.config.schema import Config
from gateway.config.source import Source

BAD: Final = UNSET  # stands for a value that could not be decoded


def decode(source: Source, parts: Parts, providers: tuple[Provider, ...]) -> tuple[Config, list[Problem]]:
    """The configuration as far as it can be made out, and what is wrong with it. ``parts``: what a policy may be
    composed of; ``providers``: what a deployment may name."""
    decoder = Decoder(source, parts, providers)
    config = decoder.value(inspect.type_info(Config), source.data, ())
    return cast(Config, config), [*source.problems, *decoder.problems]


class Decoder:
    """Walks data and schema together."""

    def __init__(self, source: Source, parts: Parts = PARTS, providers: tuple[Provider, ...] = PROVIDERS) -> None:
        self.source = source
        self.parts = parts
        self.providers = {provider.name: provider for provider in providers}
        self.problems: list[Problem] = []
        self.broken = {problem.path for problem in source.problems if problem.path}
        self.walks: dict[type, Callable[..., object]] = {
            inspect.StructType: self.struct,
            inspect.DictType: self.mapping,
            inspect.ListType: self.items,
            inspect.VarTupleType: self.items,
            inspect.UnionType: self.union,
        }

    def value(self, kind: inspect.Type, value: object, path: Path) -> object:
        if path in self.broken:
            return BAD
        walk = self.walks.get(type(kind))
        if walk:
            return walk(kind, value, path)
        try:
            return scalar(kind, value, path in self.source.originals)
        except ValueError as error:
            return self.refuse(path, str(error))

    def struct(self, kind: inspect.StructType, value: object, path: Path) -> object:
        if kind.cls is Provider:
            name = self.value(inspect.LiteralType(tuple(sorted(self.providers))), value, path)
            return BAD if name is BAD else self.providers[cast(str, name)]
        if value is None:
            value = {}
        if not isinstance(value, dict):
            return self.refuse(path, f"expected a mapping, got {noun(value)}")
        if known := parts_of(kind.cls, self.parts):
            return self.part(known, value, path)
        fields = {field.name: field for field in kind.fields}
        for key in value.keys() - fields.keys():
            self.refuse((*path, key), f"unknown key{suggest(key, fields)}")
        decoded = {name: self.field(field, value, (*path, name)) for name, field in fields.items()}
        if BAD in decoded.values():
            return BAD
        try:
            return kind.cls(**decoded)
        except ValueError as error:  # what contradicts itself; but where a value was bad, that may be why
            bad = any(problem.path[: len(path)] == path for problem in self.problems)
            return BAD if bad else self.refuse(path, str(error))

    def part(self, known: dict[str, inspect.StructType], value: dict[str, object], path: Path) -> object:
        """A part of a policy, by its kind; a key that is another part's option says of which."""
        here = (*path, "kind")
        if here in self.broken:
            return BAD
        if "kind" not in value:
            return self.refuse(here, "missing")
        try:
            found = known[choice(sorted(known), value["kind"], here in self.source.originals)]
        except ValueError as error:
            return self.refuse(here, str(error))
        fields = found.cls.__struct_fields__
        for key in value.keys() - {"kind", *fields}:
            owners = [kind for kind, part in known.items() if key in part.cls.__struct_fields__]
            unknown = f"unknown key for kind {found.tag}{suggest(key, fields)}"
            said = f"is for kind {', '.join(owners)}, not {found.tag}" if owners else unknown
            self.refuse((*path, key), said)
        return self.struct(found, {key: value[key] for key in fields if key in value}, path)

    def field(self, field: inspect.Field, value: dict[str, object], path: Path) -> object:
        if field.name in value:
            decoded = self.value(field.type, value[field.name], path)
        elif field.required:
            decoded = self.refuse(path, "missing")
        else:
            decoded = BAD
        if decoded is BAD and not field.required:
            return field.default if field.default_factory is msgspec.NODEFAULT else field.default_factory()
        return decoded

    def mapping(self, kind: inspect.DictType, value: object, path: Path) -> object:
        if value is None:
            value = {}
        if not isinstance(value, dict):
            return self.refuse(path, f"expected a mapping, got {noun(value)}")
        decoded = {}
        for key, item in value.items():
            here = (*path, key)
            name, content = self.value(kind.key_type, key, here), self.value(kind.value_type, item, here)
            if name in decoded:
                self.refuse(here, "given twice")
            elif name is not BAD and content is not BAD:
                decoded[name] = content
        return decoded

    def items(self, kind: inspect.ListType | inspect.VarTupleType, value: object, path: Path) -> object:
        if value is None:
            value = []
        if not isinstance(value, list):
            return self.refuse(path, f"expected a list, got {noun(value)}")
        decoded = [self.value(kind.item_type, item, (*path, index)) for index, item in enumerate(value)]
        if BAD in decoded:
            return BAD
        return decoded if isinstance(kind, inspect.ListType) else tuple(decoded)

    def union(self, kind: inspect.UnionType, value: object, path: Path) -> object:
        """Null where it is allowed; a list where the value is one; otherwise the first kind, which is the usual one."""
        if value is None and any(isinstance(each, inspect.NoneType) for each in kind.types):
            return None
        lists = [each for each in kind.types if isinstance(each, inspect.ListType)]
        others = [each for each in kind.types if not isinstance(each, inspect.ListType | inspect.NoneType)]
        return self.value((lists if lists and (isinstance(value, list) or not others) else others)[0], value, path)

    def refuse(self, path: Path, message: str) -> object:
        self.problems.append(self.source.problem(path, message))
        return BAD
