"""Plots: every point within its frame, one mark for each series, and names that cannot break out of the markup."""

import re
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from gateway.simulate.svg_plot import HEIGHT, WIDTH, Axis, Line, bars, curves

numbers = st.floats(0, 1e6)
lines = st.lists(st.lists(st.tuples(numbers, numbers), max_size=5).map(sorted).map(Line), max_size=4)


@given(lines, st.booleans())
def test_every_point_lies_within_the_frame(drawn: list[Line], logarithmic: bool) -> None:
    svg = ElementTree.fromstring(curves(drawn, logarithmic))
    found = svg.findall("polyline")
    assert len(found) == len(drawn)
    for line in found:
        for x, y in re.findall(r"(\S+),(\S+)", line.get("points", "")):
            assert 0 <= float(x) <= WIDTH
            assert 0 <= float(y) <= HEIGHT


@given(st.lists(numbers, min_size=1, max_size=8))
def test_a_bar_is_as_high_as_its_value_says(values: list[float]) -> None:
    svg = ElementTree.fromstring(bars([f"<{n}>" for n in range(len(values))], values))
    heights = [float(bar.get("height", "")) for bar in svg.findall("rect")]
    assert [bar.findtext("title") for bar in svg.findall("rect")] == [f"<{n}>" for n in range(len(values))]
    assert heights.index(max(heights)) == values.index(max(values)) or max(values) - values[
        heights.index(max(heights))
    ] < 0.01 * max(values)
    assert all(0 <= height <= HEIGHT for height in heights)


@given(st.floats(0, 1e6), st.floats(1e-3, 1e6), st.booleans())
def test_an_axis_has_a_few_ticks_within_it(low: float, span: float, logarithmic: bool) -> None:
    axis = Axis(max(low, 0.01) if logarithmic else 0.0, max(low, 0.01) + span, 0.0, 1.0, logarithmic)
    ticks = axis.ticks()
    assert len(ticks) <= 16
    assert all(axis.low * 0.999 <= tick <= axis.high * 1.001 for tick in ticks)
    assert logarithmic or len(ticks) >= 3
