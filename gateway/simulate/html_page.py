"""A simulation's results as one self-contained HTML file with its plots inside."""

from collections.abc import Mapping
from html import escape

from gateway.simulate.summary import Summary
from gateway.simulate.svg_plot import COLOURS, Line, bars, curves
from gateway.simulate.text_table import rows, title
from gateway.simulate.trace import Trace
from policies.vocabulary.quantile import quantile

STEPS = 60  # stretches of time, and points of a distribution
STYLE = """
:root { color-scheme: light dark; --ink: #222; --faint: #8888; --paper: #fff; }
@media (prefers-color-scheme: dark) { :root { --ink: #ddd; --paper: #1a1a1a; } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 72rem;
       margin: 2rem auto; padding: 0 1rem; }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto; }
th, td { padding: .25rem .75rem .25rem 0; border-bottom: 1px solid var(--faint); white-space: nowrap; }
td { text-align: right; } td:first-child { text-align: left; }
figure { display: inline-block; margin: 1.5rem 1rem 0 0; } figcaption { font-weight: 600; }
svg text { fill: var(--ink); font-size: 11px; } svg .grid { stroke: var(--faint); stroke-width: .5; }
"""


def page(trace: Trace, summaries: Mapping[str, Summary]) -> str:
    """The whole document."""
    names = list(summaries)
    legend = " ".join(
        f'<span style="color:{COLOURS[i % len(COLOURS)]}">&#9632;</span> {escape(name)}' for i, name in enumerate(names)
    )
    figures = [
        figure("Time to first token: share of requests within so many seconds",
               curves([Line(_distribution(s.ttft)) for s in summaries.values()], logarithmic=True)),
        figure("Time per output token: share of requests within so many seconds",
               curves([Line(_distribution(s.tpot)) for s in summaries.values()], logarithmic=True)),
        figure("p90 of the time to first token (s), by time of arrival (s)",
               curves([Line(_over_time(s.timeline)) for s in summaries.values()])),
        figure("Share of blocks found in a cache", bars(names, [s.result.hit_rate for s in summaries.values()])),
        figure("Goodput: share of all requests within the service level",
               bars(names, [s.result.goodput for s in summaries.values()])),
        figure("USD spent in the cloud", bars(names, [s.result.cloud_usd for s in summaries.values()])),
    ]  # fmt: skip
    return (
        f'<!doctype html>\n<html lang="en"><meta charset="utf-8"><title>{escape(title(trace))}</title>'
        f"<style>{STYLE}</style>\n<h1>Simulation</h1>\n<p>{escape(title(trace))}</p>\n{_rows(summaries)}\n"
        f"<p>{legend}</p>\n{''.join(figures)}\n</html>\n"
    )


def figure(caption: str, drawing: str) -> str:
    return f"<figure><figcaption>{escape(caption)}</figcaption>{drawing}</figure>\n"


def _rows(summaries: Mapping[str, Summary]) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in ("", *summaries))
    body = "".join("<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows(summaries))
    return f"<table><tr>{head}</tr>{body}</table>"


def _distribution(ordered: list[float]) -> list[tuple[float, float]]:
    shares = [step / STEPS for step in range(STEPS + 1)]
    return [(value, q) for q in shares if (value := quantile(ordered, q)) is not None]


def _over_time(timeline: list[tuple[float, float]]) -> list[tuple[float, float]]:
    if not timeline:
        return []
    width = (timeline[-1][0] or 1.0) / STEPS
    stretches: dict[int, list[float]] = {}
    for at, ttft in timeline:
        stretches.setdefault(int(at / width), []).append(ttft)
    return [((n + 0.5) * width, quantile(sorted(values), 0.9) or 0.0) for n, values in stretches.items()]
