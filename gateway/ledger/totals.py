"""Sums over a ledger's rows, grouped by one column. Reported and estimated tokens stay apart."""

import sqlite3
from collections.abc import Sequence

import msgspec

GROUPS = {
    "model": "model",
    "deployment": "deployment",
    "key": "key",
    "day": "date(time, 'unixepoch')",
}

_KINDS = "prompt_tokens, cached_tokens, cache_write_tokens, completion_tokens, reasoning_tokens, cost"
#: A line for each request, and for each attempt of those that had several, whose tokens then count instead.
_LINES = f"""(
    SELECT time, model, key, deployment, {_KINDS}, 1 AS request, status >= 400 AS failed, mirror,
        CASE WHEN itemized THEN 'itemized' ELSE usage END AS usage FROM requests
    UNION ALL
    SELECT time, model, key, deployment, {_KINDS}, 0, 0, 0, usage FROM charges
)"""  # noqa: S608
_SUMS = """
    sum(request AND NOT coalesce(mirror, 0)),
    sum(request AND failed),
    sum(prompt_tokens * (usage = 'upstream')),
    sum(cached_tokens * (usage = 'upstream')),
    sum(cache_write_tokens * (usage = 'upstream')),
    sum(completion_tokens * (usage = 'upstream')),
    sum(reasoning_tokens * (usage = 'upstream')),
    sum(prompt_tokens * (usage = 'estimated')),
    sum(completion_tokens * (usage = 'estimated')),
    sum(coalesce(cost, 0) * (usage = 'upstream')),
    sum(coalesce(cost, 0) * (usage = 'estimated')),
    sum(cost IS NULL AND usage IN ('upstream', 'estimated'))
"""


class Total(msgspec.Struct, frozen=True):
    """Sums of one group. Tokens and USD as the upstreams reported them; ``estimated_*`` beside them, never in them.

    Requests count where they were answered, mirrored copies nowhere; tokens and USD where each attempt was made.
    ``unpriced``: attempts whose tokens are counted and whose price is not known, which the USD so leave out.
    """

    group: str
    requests: int
    failed: int
    prompt_tokens: int
    cached_tokens: int
    cache_write_tokens: int
    completion_tokens: int
    reasoning_tokens: int
    estimated_prompt_tokens: int
    estimated_completion_tokens: int
    cost_usd: float
    estimated_cost_usd: float
    unpriced: int


def totals(ledger: sqlite3.Connection, by: str, since: float = 0.0, until: float = float("inf")) -> list[Total]:
    """One total for each group, the dearest first. ``by``: of GROUPS; seconds since the epoch."""
    group = GROUPS[by]
    query = f"""
        SELECT coalesce({group}, ''), {_SUMS} FROM {_LINES} WHERE time >= ? AND time < ?
        GROUP BY 1 ORDER BY sum(coalesce(cost, 0) * (usage != 'itemized')) DESC, 2 DESC, 1
    """  # noqa: S608  # the group is one of ours
    return [_total(found) for found in ledger.execute(query, (since, until))]


def overall(ledger: sqlite3.Connection, since: float = 0.0, until: float = float("inf")) -> Total:
    """The sum of everything."""
    query = f"SELECT '', {_SUMS} FROM {_LINES} WHERE time >= ? AND time < ?"  # noqa: S608
    return _total(ledger.execute(query, (since, until)).fetchone())


def _total(found: Sequence[object]) -> Total:
    """Sums over no rows at all are nothing, which SQL says as NULL."""
    fields = zip(Total.__struct_fields__, found, strict=True)
    return msgspec.convert({name: 0 if value is None else value for name, value in fields}, Total)
