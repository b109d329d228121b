"""Reports as text: the answer first, then the figures behind it, then what is unknown."""

from rich.console import Console
from rich.table import Table

from gateway.ledger.totals import Total
from gateway.report.ledger_findings import FEW, Change
from gateway.report.ledger_report import Week
from gateway.report.migration_report import Proof
from gateway.report.replay_windows import Bounds
from gateway.report.sizing import Size, Speed

DAY = 24.0  # hours
SHOWN = 8  # rows of a table


def show_proof(console: Console, proof: Proof) -> None:
    was = proof.was
    console.print(
        f"{proof.name}: {was.requests:,} requests in {was.hours:,.1f} h, {was.prompt_tokens:,} tokens in and "
        f"{was.output_tokens:,} out"
        + (f", USD {was.usd * DAY:,.2f} a day" if was.usd is not None else "")
        + (f"; first token p50 {was.first_p50:.2f} s, p95 {was.first_p95:.2f} s" if was.first_p95 is not None else "")
        + (f"; {was.in_time:.1%} in time" if was.in_time is not None else "")
    )
    console.print(
        f"in time: {_in_time(*proof.slo)}. Cloud: USD {was.price[0]:.3g} in, {was.price[1]:.3g} out per 1M tokens, "
        f"which is USD {was.all_cloud * DAY:,.2f} a day for everything; GPU: USD {proof.gpu_usd:g} an hour.\n"
    )
    for kind in proof.sizing.kinds:
        console.print(sentence(kind, proof.sizing.sizes, was.all_cloud))
    console.print(_sizes(proof.sizing.sizes))
    _unknown(console, proof.unknown, proof.left_out)


def _in_time(ttft: float | None, per_1k: float, tpot: float | None) -> str:
    said = []
    if ttft is not None:
        said.append(f"the first token within {ttft:g} s and {per_1k:g} s more for each 1,000 of the prompt")
    if tpot is not None:
        said.append(f"each further one within {tpot:g} s")
    return ", ".join(said)


def sentence(kind: Speed, sizes: list[Size], all_cloud: float) -> str:
    """What one kind of GPU comes to."""
    of = f"GPUs that read {kind.reads:,.0f} and write {kind.writes:,.0f} tokens a second ({kind.speed:g} x reference)"
    alone = (
        f"{kind.alone} {'carries' if kind.alone == 1 else 'carry'} it, buying less than 1 %"
        if kind.alone is not None
        else "none tried carries it alone"
    )
    best = next(each for each in sizes if each.speed == kind.speed and each.gpus == kind.cheapest)
    less = all_cloud - best.total_usd.value
    verdict = f"{abs(less) * DAY:,.2f} {'less' if less > 0 else 'more'} than the cloud for everything"
    return (
        f"{of}: the work keeps {kind.busy:.2f} busy on average; {alone}; cheapest in time is {best.gpus}, at "
        f"USD {best.total_usd.value * DAY:,.2f} a day with {best.spilled.value:.1%} bought: "
        f"{verdict}."
    )


def _sizes(sizes: list[Size]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("speed", "GPUs", "GPU USD/day", "total USD/day", "bought", "in time", "lost"):
        table.add_column(heading, justify="right")
    for each in sizes:
        table.add_row(
            f"{each.speed:g}", str(each.gpus), f"{each.pool_usd * DAY:,.2f}", _usd(each.total_usd),
            _percent(each.spilled), _percent(each.in_time), _percent(each.lost),
        )  # fmt: skip
    return table


def show_week(console: Console, week: Week) -> None:
    total = week.total
    console.print(
        f"{week.name}: {total.requests:,} requests in {week.hours:,.1f} h, {total.failed:,} failed; "
        f"USD {total.cost_usd:,.2f} by the token (and {total.estimated_cost_usd:,.2f} estimated)"
        + (f", USD {week.pool_usd * week.hours:,.2f} for own engines" if week.pool_usd is not None else "")
    )
    for by, groups in week.money.items():
        console.print(_money(by, groups))
    _tail(console, week)
    if week.changes is not None:
        _change(console, week.changes)
    _unknown(console, week.unknown, {})


def _money(by: str, groups: list[Total]) -> Table:
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    table.add_column(by)
    for heading in ("USD", "estimated", "requests", "tokens in", "tokens out"):
        table.add_column(heading, justify="right")
    for each in groups[:SHOWN]:
        table.add_row(
            each.group or "(none)", f"{each.cost_usd:,.2f}", f"{each.estimated_cost_usd:,.2f}", f"{each.requests:,}",
            f"{each.prompt_tokens:,}", f"{each.completion_tokens:,}",
        )  # fmt: skip
    return table


def _tail(console: Console, week: Week) -> None:
    worst = next((tail for tail in week.tails if tail.answers >= FEW), None)
    if worst is None:
        console.print("\nThe tail: too few streamed answers to say.")
        return
    drags = worst.slow > 1.5 * worst.share
    said = (
        f"{worst.endpoint} ({worst.deployment}) gave {worst.share:.0%} of the answers and {worst.slow:.0%} of the slow"
    )
    console.print(f"\nThe tail: {said} ones." if drags else "\nThe tail: no endpoint drags it.")
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("endpoint", "answers", "failed", "of the slowest 5 %", "first p50, s", "p95, s"):
        table.add_column(heading, justify="left" if heading == "endpoint" else "right")
    for each in week.tails[:SHOWN]:
        table.add_row(
            f"{each.deployment} {each.endpoint}", f"{each.answers:,}", f"{each.failed:,}", f"{each.slow:.0%}",
            f"{each.p50:.2f}" if each.p50 is not None else "-", f"{each.p95:.2f}" if each.p95 is not None else "-",
        )  # fmt: skip
    console.print(table)


def _change(console: Console, changes: list[Change]) -> None:
    best = next((change for change in changes if change.worth_it), None)
    if best is None:
        console.print("\nPolicies: none of those simulated saves for certain without serving anybody later.")
    else:
        console.print(
            f"\nPolicies: {best.policy} for {best.model} would save most: USD {_between(best.saves)} a day, with "
            f"{best.in_time.value:.1%} in time instead of {best.now.value:.1%} (simulated)."
        )
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in ("model", "policy", "saves, USD/day", "in time", "now"):
        table.add_column(heading, justify="left" if heading in ("model", "policy") else "right")
    for each in changes[:SHOWN]:
        table.add_row(each.model, each.policy, _between(each.saves), _percent(each.in_time), _percent(each.now))
    console.print(table)


def _unknown(console: Console, unknown: list[str], left_out: dict[str, int]) -> None:
    console.print("\nNot known:")
    for each in unknown:
        console.print(f"  {each}", highlight=False)
    for why, count in left_out.items():
        console.print(f"  left out: {count:,} {why}", highlight=False)


def _usd(hourly: Bounds) -> str:
    return f"{hourly.value * DAY:,.2f} ±{DAY * off(hourly):,.2f}"


def _between(hourly: Bounds) -> str:
    return f"{hourly.value * DAY:,.2f} ({hourly.low * DAY:,.2f} to {hourly.high * DAY:,.2f})"


def _percent(share: Bounds) -> str:
    return f"{share.value:.1%} ±{100 * off(share):.1f}"


def off(figure: Bounds) -> float:
    """The larger distance to a bound."""
    return max(figure.high - figure.value, figure.value - figure.low)
