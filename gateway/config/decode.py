"""The configuration decoder: walks the schema once and collects every problem; a bad value is replaced by its default.

What has no default takes the thing around it along, up to an entry or a list that can be left out.
"""

from collections.abc import Callable
from typing import Final, cast

import msgspec
from msgspec import UNSET, inspect

from gateway.config.problem import Path, Problem, suggest
from gateway.config.scalar import noun, scalar
from gateway.config.schema import Config
from gateway.config.source import Source

BAD: Final = UNSET  # stands for a value that could not be decoded


def decode(source: Source) -> tuple[Config, list[Problem]]:
    """The configuration as far as it can be made out, and what is wrong with it."""
    decoder = Decoder(source)
    config = decoder.value(inspect.type_info(Config), source.data, ())
    return cast(Config, config), [*source.problems, *decoder.problems]


class Decoder:
    """Walks data and schema together."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self.broken = {problem.path for problem in source.problems if problem.path}
        self.walks: dict[type, Callable[..., object]] = {
            inspect.StructType: self.struct,
            inspect.DictType: self.mapping,
            inspect.ListType: self.items,
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
        if value is None:
            value = {}
        if not isinstance(value, dict):
            return self.refuse(path, f"expected a mapping, got {noun(value)}")
        fields = {field.name: field for field in kind.fields}
        for key in value.keys() - fields.keys():
            self.refuse((*path, key), f"unknown key{suggest(key, fields)}")
        decoded = {name: self.field(field, value, (*path, name)) for name, field in fields.items()}
        if BAD in decoded.values():
            return BAD
        return kind.cls(**decoded)

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

    def items(self, kind: inspect.ListType, value: object, path: Path) -> object:
        if value is None:
            value = []
        if not isinstance(value, list):
            return self.refuse(path, f"expected a list, got {noun(value)}")
        decoded = [self.value(kind.item_type, item, (*path, index)) for index, item in enumerate(value)]
        return BAD if BAD in decoded else decoded

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
