"""Quantities are read with their unit and written back the same."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.config.units import DURATION, PERCENT, SIZE, Unit


@pytest.mark.parametrize(
    ("unit", "text", "value"),
    [
        (DURATION, "250ms", 0.25),
        (DURATION, "5s", 5.0),
        (DURATION, "2.5s", 2.5),
        (DURATION, "2m", 120.0),
        (DURATION, "1h", 3600.0),
        (DURATION, "0", 0.0),
        (SIZE, "32MiB", 33554432),
        (SIZE, "1.5KiB", 1536),
        (SIZE, "7B", 7),
        (PERCENT, "20%", 0.2),
        (PERCENT, "57%", 0.57),
        (PERCENT, "0.5%", 0.005),
    ],
)
def test_a_quantity_is_read_in_its_base_unit(unit: Unit, text: str, value: float):
    assert unit.parse(text) == value


@pytest.mark.parametrize(
    ("unit", "text"),
    [
        (DURATION, "5"),
        (DURATION, "-5s"),
        (DURATION, "5 s"),
        (DURATION, "5s\n"),
        (DURATION, "s"),
        (DURATION, "1e3s"),
        (DURATION, "5parsecs"),
        (DURATION, ""),
        (SIZE, "32MB"),
        (SIZE, "0.3B"),
        (SIZE, "9" * 40 + "B"),
        (PERCENT, "20"),
        (PERCENT, "20 %"),
        (PERCENT, "٢٠%"),
    ],
)
def test_anything_else_is_refused(unit: Unit, text: str):
    with pytest.raises(ValueError, match="not a"):
        unit.parse(text)


@given(unit=st.sampled_from([DURATION, PERCENT]), count=st.integers(0, 10**9), places=st.integers(0, 6), data=st.data())
def test_what_is_shown_is_read_back_as_the_same_value(unit: Unit, count: int, places: int, data: st.DataObject):
    suffix = data.draw(st.sampled_from(sorted(unit.factors)))
    value = unit.parse(f"{count / 10**places:.{places}f}{suffix}")
    assert unit.parse(unit.show(value)) == pytest.approx(value, rel=1e-12, abs=1e-12)


@given(st.integers(0, 10**11))
def test_a_size_is_shown_exactly(value: int):
    assert SIZE.parse(SIZE.show(value)) == value


def test_a_quantity_is_shown_in_the_unit_a_person_would_choose():
    assert [DURATION.show(x) for x in (0.25, 1.0, 2.5, 90.0, 600.0, 0.0)] == [
        "250ms",
        "1s",
        "2.5s",
        "1.5m",
        "10m",
        "0ms",
    ]
    assert [PERCENT.show(x) for x in (0.2, 0.005, 1.0)] == ["20%", "0.5%", "100%"]
    assert [SIZE.show(x) for x in (33554432, 1000)] == ["32MiB", "1000B"]
