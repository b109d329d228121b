"""Totals. Rule: sums over a ledger's rows, grouped by one column; what is known stays apart from estimates."""

import sqlite3
from collections.abc import Sequence

import msgspec

GROUPS = {
    "model": "model",
    "deployment": "deployment",
    "key": "key",
    "day": "date(time, 'unixepoch')",
}

_SUMS = """
    count(*),
    sum(status >= 400),
    sum(prompt_tokens * (usage = 'upstream')),
    sum(cached_tokens * (usage = 'upstream')),
    sum(completion_tokens * (usage = 'upstream')),
    sum(prompt_tokens * (usage = 'estimated')),
    sum(completion_tokens * (usage = 'estimated')),
    sum(coalesce(cost, 0) * (usage = 'upstream')),
    sum(coalesce(cost, 0) * (usage = 'estimated')),
    sum(cost IS NULL AND usage != 'none')
"""


class Total(msgspec.Struct, frozen=True):
    """Sums of one group. Tokens and USD as the upstreams reported them; ``estimated_*`` beside them, never in them.

    ``unpriced``: answers whose tokens are counted and whose price is not known, which the USD so leave out.
    """

    group: str
    requests: int
    failed: int
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    estimated_prompt_tokens: int
    estimated_completion_tokens: int
    cost_usd: float
    estimated_cost_usd: float
    unpriced: int


def totals(ledger: sqlite3.Connection, by: str, since: float = 0.0, until: float = float("inf")) -> list[Total]:
    """One total for each group, the dearest first. ``by``: of GROUPS; seconds since the epoch."""
    group = GROUPS[by]
    query = f"""
        SELECT coalesce({group}, ''), {_SUMS} FROM requests WHERE time >= ? AND time < ?
        GROUP BY 1 ORDER BY sum(coalesce(cost, 0)) DESC, count(*) DESC, 1
    """  # noqa: S608  # the group is one of ours
    return [_total(found) for found in ledger.execute(query, (since, until))]


def overall(ledger: sqlite3.Connection, since: float = 0.0, until: float = float("inf")) -> Total:
    """The sum of everything."""
    query = f"SELECT '', {_SUMS} FROM requests WHERE time >= ? AND time < ?"  # noqa: S608
    return _total(ledger.execute(query, (since, until)).fetchone())


def _total(found: Sequence[object]) -> Total:
    """Sums over no rows at all are nothing, which SQL says as NULL."""
    fields = zip(Total.__struct_fields__, found, strict=True)
    return msgspec.convert({name: 0 if value is None else value for name, value in fields}, Total)
