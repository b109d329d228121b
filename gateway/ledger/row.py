"""A row. Rule: what is kept of a request: names, counts, times and money; never a prompt, an answer or a credential.

The table's columns are this struct's fields, so a field added here is a column added to every ledger that is opened.
"""

from typing import get_type_hints

import msgspec

from policies.types import Outcome, Price


class Row(msgspec.Struct, frozen=True):
    """One request. Durations are seconds, ``time`` seconds since the epoch (of its end), money USD.

    ``usage``: who counted the tokens (upstream, estimated, none). ``cost``: None where no price is known.
    """

    id: str
    time: float
    family: str
    model: str
    key: str
    deployment: str
    endpoint: str
    stream: bool
    status: int
    failure: str
    attempts: int
    tried: str
    duration: float
    first_token: float | None
    overhead: float
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    usage: str
    cost: float | None


COLUMNS = Row.__struct_fields__
_SQL_TYPES = {str: "TEXT", float: "REAL", int: "INTEGER", bool: "INTEGER", float | None: "REAL"}


def columns() -> list[tuple[str, str]]:
    """Column name and SQL type, in the struct's order."""
    hints = get_type_hints(Row)
    return [(name, _SQL_TYPES[hints[name]]) for name in COLUMNS]


def row(time: float, outcome: Outcome, price: Price | None) -> Row:
    """The row of one outcome. ``price``: what the deployment that answered takes."""
    usage = outcome.usage
    # A recovered answer's tokens are its attempts', noted each; else what is noted comes on top of the answer's own.
    known = price is not None and usage.source != "none" and not outcome.recovered
    others = [each.usd for each in outcome.spent if each.usd]
    answer = [usage.cost(price)] if known and price is not None else []
    first = outcome.first_token - outcome.received if outcome.first_token else None
    return Row(
        outcome.id.decode("latin-1"),
        time,
        outcome.family,
        outcome.model,
        outcome.key,
        outcome.deployment,
        outcome.endpoint,
        outcome.stream,
        outcome.status,
        outcome.fault.failure.name if outcome.fault is not None else "",
        outcome.attempts,
        ",".join(outcome.tried),
        outcome.finished - outcome.received,
        first,
        max(0.0, (first if first is not None else outcome.finished - outcome.received) - outcome.waited),
        usage.prompt,
        usage.cached,
        usage.completion,
        usage.source,
        sum(answer + others) if answer or others else None,
    )
