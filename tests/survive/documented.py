"""The table for people. Rule: the table in docs/resilience.md is written by ``python -m tests.survive.documented``."""

from pathlib import Path

from tests.survive.table import TABLE, Ends, Row

PAGE = Path(__file__).parents[2] / "docs" / "resilience.md"
START, END = "<!-- faults: made by python -m tests.survive.documented -->", "<!-- end of faults -->"


def alone(row: Row) -> str:
    """What the caller sees where nobody else can answer."""
    if row.failure is None or row.ends is not Ends.RESCUED:
        said = f" (`{row.failure.code}`)" if row.failure and row.ends is Ends.BROKEN else ""
        return f"{row.ends.value}{said}"
    after = ", `retry-after`" if row.retry_after else ""
    return f"{row.failure.status} `{row.failure.code}`{after}"


def table() -> str:
    lines = [
        "| what the upstream did | failure | another endpoint can answer | none can | setting |",
        "|---|---|---|---|---|",
    ]
    for row in TABLE:
        kinds = {streamed for _, streamed in row.kinds}
        where = {frozenset({True}): " (stream)", frozenset({False}): " (whole answer)"}.get(frozenset(kinds), "")
        name = row.failure.name if row.failure else "nothing"
        lines.append(f"| {row.did}{where} | {name} | {row.ends.value} | {alone(row)} | {row.knob or '-'} |")
    return "\n".join(lines)


def written(page: str) -> str:
    """The page with the table as it is now."""
    before, _, rest = page.partition(START)
    return f"{before}{START}\n{table()}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
