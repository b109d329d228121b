"""Units: a quantity is written with its unit (`250ms`, `32MiB`, `20%`); only zero and counts go without."""

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Annotated, Protocol

from msgspec import Meta, Struct


class Notation(Protocol):
    """How a scalar is written in YAML when that differs from what the program holds."""

    @property
    def example(self) -> str: ...
    @property
    def pattern(self) -> str: ...
    def parse(self, text: str) -> object: ...
    def show(self, value: object) -> str: ...


class Unit(Struct, frozen=True):
    """A number and one of several units; held in the base unit, where the factor is 1."""

    noun: str
    example: str
    factors: Mapping[str, Decimal]
    number: Callable[[Decimal], float] = float

    @property
    def pattern(self) -> str:
        return rf"^[0-9]{{1,12}}(\.[0-9]{{1,9}})?({'|'.join(self.factors)})$"

    def parse(self, text: str) -> float:
        if text == "0":
            return self.number(Decimal(0))
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"not a {self.noun}: write it like {self.example}")
        digits = re.match(r"[0-9.]+", text)
        assert digits
        return self.number(Decimal(digits[0]) * self.factors[text[digits.end() :]])

    def show(self, value: object) -> str:
        """Write it in the largest unit that keeps it short, so that `parse(show(x)) == x`."""
        exact = Decimal(str(value))
        for unit, factor in sorted(self.factors.items(), key=lambda item: -item[1]):
            count = exact / factor
            if count >= 1 and count == round(count, 2) and count * factor == exact:
                return f"{round(count, 2).normalize():f}{unit}"
        unit, factor = min(self.factors.items(), key=lambda item: item[1])
        return f"{(exact / factor).normalize():f}{unit}"


def whole(number: Decimal) -> int:
    if number != int(number):
        raise ValueError("not a whole number of bytes")
    return int(number)


DURATION = Unit(
    "duration",
    "5s, 250ms or 2m",
    {"ms": Decimal("0.001"), "s": Decimal(1), "m": Decimal(60), "h": Decimal(3600)},
)
SIZE = Unit(
    "size",
    "32MiB or 64KiB",
    {"B": Decimal(1), "KiB": Decimal(2**10), "MiB": Decimal(2**20), "GiB": Decimal(2**30)},
    whole,
)
PERCENT = Unit("percentage", "20%", {"%": Decimal("0.01")})


class _Clock(Struct, frozen=True):
    """A time of day, held as minutes from midnight."""

    example: str = "08:30"
    pattern: str = "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$"

    def parse(self, text: str) -> int:
        if not re.fullmatch(self.pattern, text):
            raise ValueError(f"not a time of day: write it like {self.example}")
        hours, minutes = text.split(":")
        return int(hours) * 60 + int(minutes)

    def show(self, value: object) -> str:
        hours, minutes = divmod(int(str(value)), 60)
        return f"{hours:02}:{minutes:02}"


TimeOfDay = Annotated[int, Meta(extra={"notation": _Clock()})]
Size = Annotated[int, Meta(gt=0, extra={"notation": SIZE})]
Port = Annotated[int, Meta(ge=0, le=65535)]
