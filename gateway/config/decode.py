"""Decoding. Rule: the schema is walked once and every problem is noted; a bad value is replaced by its default.

What has no default takes the thing around it along, up to an entry or a list that can be left out.
"""

from collections.abc import Callable
from math import isfinite
from typing import Final, cast

import msgspec
from msgspec import UNSET, inspect

from gateway.config.problem import Path, Problem, suggest
from gateway.config.schema import Config
from gateway.config.secret import Secret
from gateway.config.source import Source
from gateway.config.units import Notation, Unit

BAD: Final = UNSET  # stands for a value that could not be decoded


def decode(source: Source) -> tuple[Config, list[Problem]]:
    """The configuration as far as it can be made out, and what is wrong with it."""
    decoder = Decoder(source)
    config = decoder.value(inspect.type_info(Config), source.data, ())
    return cast(Config, config), [*source.problems, *decoder.problems]


def noun(value: object) -> str:
    """What YAML calls it."""
    if value is None:
        return "nothing"
    nouns = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return nouns.get(type(value), "a mapping")


def notation_of(kind: inspect.Type) -> Notation | None:
    """The notation that the schema gives this scalar, if any."""
    extra = kind.extra if isinstance(kind, inspect.Metadata) else None
    return cast(Notation, extra["notation"]) if extra and "notation" in extra else None


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
        return self.value((lists if lists and isinstance(value, list) else others)[0], value, path)

    def refuse(self, path: Path, message: str) -> object:
        self.problems.append(self.source.problem(path, message))
        return BAD


def scalar(kind: inspect.Type, value: object, substituted: bool) -> object:
    """One scalar; ValueError says what was expected. What was substituted is text, so it is read as YAML would be."""
    notation = notation_of(kind)
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if value is None:
        raise ValueError("has no value")
    if isinstance(kind, inspect.CustomType):
        return secret(value)
    if isinstance(kind, inspect.LiteralType):
        return choice([str(each) for each in kind.values], value, substituted)
    if notation:
        value = notation.parse("0" if unitless_zero(notation, value) else text(value, notation.example))
    elif isinstance(kind, inspect.StrType):
        return nonempty(text(value))
    else:
        value = plain(kind, value, substituted)
    if isinstance(kind, inspect.IntType | inspect.FloatType):
        bounded(kind, cast(float, value))
    return value


def unitless_zero(notation: Notation, value: object) -> bool:
    return isinstance(notation, Unit) and value == 0 and not isinstance(value, bool)


def text(value: object, example: str = "") -> str:
    if isinstance(value, str):
        return value
    hint = f": write it like {example}" if example else ": put it in quotes"
    raise ValueError(f"expected text, got {noun(value)}{'' if isinstance(value, dict | list) else hint}")


def nonempty(value: str) -> str:
    if not value or not value.isprintable():
        raise ValueError("is empty" if not value else "has a control character in it")
    return value


def plain(kind: inspect.Type, value: object, substituted: bool) -> object:
    """An int, a float or a bool."""
    names = {inspect.BoolType: ("true or false", bool), inspect.IntType: ("a whole number", int)}
    name, wanted = names.get(type(kind), ("a number", float))
    try:
        decoded: float = msgspec.convert(value, wanted, strict=not substituted)
    except msgspec.ValidationError:
        raise ValueError(f"expected {name}, got {noun(value)}") from None
    if not isfinite(decoded):
        raise ValueError(f"expected {name} that is finite")
    return decoded


def bounded(kind: inspect.IntType | inspect.FloatType, value: float) -> None:
    if kind.gt is not None and value <= kind.gt:
        raise ValueError(f"must be more than {kind.gt:g}")
    if kind.ge is not None and value < kind.ge:
        raise ValueError(f"must be at least {kind.ge:g}")
    if kind.lt is not None and value >= kind.lt:
        raise ValueError(f"must be less than {kind.lt:g}")
    if kind.le is not None and value > kind.le:
        raise ValueError(f"must be at most {kind.le:g}")


def choice(words: list[str], value: object, substituted: bool) -> str:
    if isinstance(value, str) and value in words:
        return value
    if not isinstance(value, str) or substituted:
        raise ValueError(f"expected one of: {', '.join(words)}")
    raise ValueError(f'unknown word "{value}"{suggest(value, words)}')


def secret(value: object) -> Secret:
    """A credential goes into a header, so it is printable ASCII without blanks around it."""
    words = text(value)
    if not words:
        raise ValueError("is empty")
    if not (words.isascii() and words.isprintable()) or words != words.strip():
        raise ValueError("has blanks around it, a line break, or characters outside ASCII")
    return Secret(words)
