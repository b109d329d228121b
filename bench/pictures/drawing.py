"""Drawing. Rule: one file a picture, which stands alone: caption, both axes named with their units, a legend below."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from html import escape
from pathlib import Path

from gateway.simulate.svg_plot import COLOURS, HEIGHT, WIDTH, Line, curves
from policies.vocabulary.quantile import quantile

FOLDER = Path(__file__).parents[2] / "docs" / "pictures"
SPAN = 20.0  # seconds that a point over time stands for
TOP, ROW = 42, 17  # pixels above the plot, and of a line of the legend

Points = list[tuple[float, float]]


def distribution(values: Iterable[float]) -> Points:
    """Percent of the values (up) that are no more than so much (across); the slowest one in a hundred is left out."""
    ordered = sorted(values)
    return [(quantile(ordered, share / 100) or 0.0, float(share)) for share in range(100)]


def by_time(points: Iterable[tuple[float, float]], fold: Callable[[list[float]], float]) -> Points:
    """One value for each span of time."""
    spans: dict[int, list[float]] = defaultdict(list)
    for at, value in points:
        spans[int(at / SPAN)].append(value)
    return [((n + 0.5) * SPAN, fold(values)) for n, values in sorted(spans.items())]


def write(
    kind: str, caption: str, across: str, up: str, lines: Sequence[tuple[str, Points]], logarithmic: bool = False
) -> None:
    """The first line is the policy's own, and the thickest."""
    drawn = [Line(points, 1.4 if number else 3.0) for number, (_, points) in enumerate(lines)]
    drawing = curves(drawn, logarithmic)
    low = TOP + HEIGHT
    legend = "".join(
        f'<text x="{48 + n % 2 * 236}" y="{low + 38 + n // 2 * ROW}" style="fill:{COLOURS[n]}">'
        f"&#9632; {escape(name)}</text>"
        for n, (name, _) in enumerate(lines)
    )
    height = low + 38 + (len(lines) - 1) // 2 * ROW + 10
    inside = drawing[drawing.index(">") + 1 : drawing.rindex("</svg>")]
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"policy-{kind}.svg").write_text(
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="11"><style>text{{fill:#777}}.grid{{stroke:#8885;stroke-width:.5}}</style>'
        f'<text x="8" y="15" font-size="13" font-weight="600">{escape(caption)}</text>'
        f'<text x="8" y="36">&#8593; {escape(up)}</text><g transform="translate(0 {TOP})">{inside}</g>'
        f'<text x="{WIDTH - 8}" y="{low + 12}" text-anchor="end">{escape(across)} &#8594;</text>{legend}</svg>\n'
    )
