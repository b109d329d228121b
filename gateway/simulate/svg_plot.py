"""Plots: numbers in, one SVG element out."""

import math
from collections.abc import Sequence
from html import escape

import msgspec

WIDTH, HEIGHT, LEFT, BOTTOM, TOP = 520, 240, 48, 24, 10
COLOURS = ("#2a78c8", "#d1603d", "#3a9a5b", "#8a5bc0", "#b8902a", "#c94f8a", "#4a9fa8", "#777777")
TICKS = 5
ROUND = (1.0, 2.0, 5.0)
LEAST = 1e-300  # between ticks


class Line(msgspec.Struct, frozen=True):
    """Points in order of x; ``width`` in pixels."""

    points: Sequence[tuple[float, float]]
    width: float = 1.6


class Axis(msgspec.Struct, frozen=True):
    """Where a value stands between two pixels."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        low, high = self.low, self.high
        if self.logarithmic:
            low, high, value = math.log10(low), math.log10(high), math.log10(max(value, low))
        return self.start + (self.end - self.start) * (value - low) / ((high - low) or 1.0)

    def ticks(self) -> list[float]:
        """Round numbers within it."""
        if self.logarithmic:
            decades = range(math.floor(math.log10(self.low)), math.floor(math.log10(self.high)) + 1)
            steps = ROUND if len(decades) <= TICKS else ROUND[:1]
            return [times * 10.0**n for n in decades for times in steps if self.low <= times * 10.0**n <= self.high]
        span = (self.high - self.low) / TICKS
        if span < LEAST:
            return [self.low]
        power = 10.0 ** math.floor(math.log10(span))
        step = power * next(times for times in (*ROUND, 10.0) if times * power >= span * 0.999)
        first, last = math.ceil(self.low / step - 1e-6), math.floor(self.high / step + 1e-6)
        return [n * step for n in range(first, last + 1)]


def curves(lines: Sequence[Line], logarithmic: bool = False) -> str:
    """Lines in the palette's order; ``logarithmic``: along x, where what is not positive is left out."""
    kept = [[point for point in line.points if point[0] > 0 or not logarithmic] for line in lines]
    xs = [x for points in kept for x, _ in points] or [1.0]
    ys = [y for points in kept for _, y in points] or [1.0]
    across = Axis(low=min(xs) if logarithmic else 0.0, high=max(xs), start=LEFT, end=WIDTH - 8, logarithmic=logarithmic)
    up = Axis(0.0, max(ys) or 1.0, HEIGHT - BOTTOM, TOP)
    parts = [_across(across), _up(up)]
    for number, (line, points) in enumerate(zip(lines, kept, strict=True)):
        path = " ".join(f"{across.at(x):.1f},{up.at(y):.1f}" for x, y in points)
        colour = COLOURS[number % len(COLOURS)]
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{line.width}"/>')
    return _svg(parts)


def bars(names: Sequence[str], values: Sequence[float]) -> str:
    """One bar a name, in the palette's order; the value stands above it, the name shows where it is pointed at."""
    up = Axis(0.0, max(values, default=0.0) or 1.0, HEIGHT - BOTTOM, TOP + 14)
    width = (WIDTH - LEFT - 8) / max(1, len(names))
    parts = [_up(up)]
    for number, (name, value) in enumerate(zip(names, values, strict=True)):
        x, y = LEFT + number * width, up.at(value)
        colour = COLOURS[number % len(COLOURS)]
        height = HEIGHT - BOTTOM - y
        size = f'width="{width - 8:.1f}" height="{height:.1f}"'
        rectangle = f'<rect x="{x + 4:.1f}" y="{y:.1f}" {size} fill="{colour}">'
        parts.append(f"{rectangle}<title>{escape(name)}</title></rect>")
        middle = f'x="{x + width / 2:.1f}" text-anchor="middle"'
        parts.append(f'<text {middle} y="{y - 4:.1f}">{value:.3g}</text>')
    return _svg(parts)


def _across(axis: Axis) -> str:
    return "".join(
        f'<line class="grid" x1="{axis.at(tick):.1f}" x2="{axis.at(tick):.1f}" y1="{TOP}" y2="{HEIGHT - BOTTOM}"/>'
        f'<text x="{axis.at(tick):.1f}" y="{HEIGHT - 8}" text-anchor="middle">{tick:.4g}</text>'
        for tick in axis.ticks()
    )


def _up(axis: Axis) -> str:
    return "".join(
        f'<line class="grid" x1="{LEFT}" x2="{WIDTH - 8}" y1="{axis.at(tick):.1f}" y2="{axis.at(tick):.1f}"/>'
        f'<text x="{LEFT - 6}" y="{axis.at(tick) + 4:.1f}" text-anchor="end">{tick:.3g}</text>'
        for tick in axis.ticks()
    )


def _svg(parts: Sequence[str]) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">{"".join(parts)}</svg>'
