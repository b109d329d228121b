"""Scalars: one YAML value becomes one schema value, or a ValueError that repeats no secret."""

from collections.abc import Mapping
from math import isfinite
from typing import Any, cast

import msgspec
from msgspec import inspect

from gateway.config.address import FUNCTION, NAME
from gateway.config.problem import suggest
from gateway.config.secret import Secret
from gateway.config.units import DURATION, PERCENT, Notation, Unit

# How the units of `policies.vocabulary.units` are written; one that is not here is a plain number.
NOTATIONS: Mapping[str, Notation] = {"seconds": DURATION, "percent": PERCENT, "name": NAME, "function": FUNCTION}


def noun(value: object) -> str:
    """What YAML calls it."""
    if value is None:
        return "nothing"
    nouns = {bool: "true or false", int: "a number", float: "a number", str: "text", list: "a list"}
    return nouns.get(type(value), "a mapping")


def notation_of(kind: inspect.Type) -> Notation | None:
    """The notation that the schema gives this scalar, itself or by its unit, if any."""
    extra = metadata(kind)
    return cast(Notation | None, extra.get("notation")) or NOTATIONS.get(extra.get("unit", ""))


def words_of(kind: inspect.Type) -> list[str]:
    """The words that this scalar may be, in order; none where it may be others."""
    words = kind.values if isinstance(kind, inspect.LiteralType) else metadata(kind).get("words", ())
    return sorted(map(str, words))


def metadata(kind: inspect.Type) -> Mapping[str, Any]:
    return (isinstance(kind, inspect.Metadata) and kind.extra) or {}


def scalar(kind: inspect.Type, value: object, substituted: bool) -> object:
    """One scalar; ValueError says what was expected. What was substituted is text, so it is read as YAML would be."""
    notation, words = notation_of(kind), words_of(kind)
    if isinstance(kind, inspect.Metadata):
        kind = kind.type
    if value is None:
        raise ValueError("has no value")
    if isinstance(kind, inspect.CustomType):
        return secret(value)
    if words:
        return choice(words, value, substituted)
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
