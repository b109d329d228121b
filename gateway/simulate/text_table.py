"""The results table: one column per policy, in seconds and USD; what was not measured is a dash."""

from collections.abc import Mapping

from rich.table import Column, Table

from gateway.simulate.results import Quantiles
from gateway.simulate.summary import Summary
from gateway.simulate.trace import Trace


def rows(summaries: Mapping[str, Summary]) -> list[tuple[str, ...]]:
    """What is measured, then one cell for each policy."""
    columns = [_cells(summary) for summary in summaries.values()]
    return [(name, *(column[name] for column in columns)) for name in (columns[0] if columns else ())]


def table(trace: Trace, summaries: Mapping[str, Summary]) -> Table:
    columns = [Column(name, justify="right") for name in summaries]
    drawn = Table(
        Column("", no_wrap=True), *columns, title=title(trace), box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for row in rows(summaries):
        drawn.add_row(*row)
    return drawn


def title(trace: Trace) -> str:
    last = trace.arrivals[-1].at
    tokens = sum(arrival.prompt_tokens for arrival in trace.arrivals)
    pace = f", {tokens / last:,.0f} prompt tokens/s" if last else ""
    return f"{trace.name}: {len(trace.arrivals):,} requests in {last:,.0f} s{pace}"


def _cells(summary: Summary) -> dict[str, str]:
    result = summary.result
    return {
        **_quantiles("TTFT", result.ttft),
        **_quantiles("TPOT", result.tpot),
        **_quantiles("E2E", summary.e2e),
        "blocks cached": f"{result.hit_rate:.1%}",
        "goodput": f"{result.goodput:.1%}",
        "rejected": str(result.rejected),
        "errors": str(result.errors),
        "cost, USD": f"{result.cost_usd:.2f}",
        "cloud, USD": f"{result.cloud_usd:.2f}",
        "spilled": f"{result.spill_share:.1%}",
        "fairness": f"{summary.fairness:.3f}",
        "balance": f"{summary.balance:.3f}",
    }


def _quantiles(name: str, values: Quantiles) -> dict[str, str]:
    shown = {"p50": values.p50, "p90": values.p90, "p99": values.p99}
    return {f"{name} {q}, s": "-" if value is None else f"{value:.3g}" for q, value in shown.items()}
