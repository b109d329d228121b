"""The ledger as history: each request that an engine answered, once; the rest is counted and left out."""

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import closing
from pathlib import Path
from statistics import median
from typing import Any

from backends.contract.families import FAMILIES
from gateway.history.past_request import PLAIN_BLOCK, History, PastRequest
from gateway.ledger.database import open_to_read

_TEXT = frozenset(family.name for family in FAMILIES if family.text)
_COLUMNS = (
    "time", "duration", "model", "key", "prompt_tokens", "completion_tokens", "deployment", "endpoint", "stream",
    "first_token", "cost", "status", "blocks", "block_tokens", "family", "mirror", "usage", "failure", "cached_tokens",
)  # fmt: skip


def recorded(path: Path, since: float = 0.0, until: float = float("inf"), model: str | None = None) -> History:
    """The requests of a ledger that ended in that time (seconds since the epoch); of one model, or of all.

    Raises:
        NotALedger: it is none.
    """
    where = "WHERE time >= ? AND time < ?" + (" AND model = ?" if model is not None else "")
    given = (since, until) if model is None else (since, until, model)
    left_out: Counter[str] = Counter()
    with closing(open_to_read(path)) as ledger:
        rows = ledger.execute(f"SELECT {', '.join(_COLUMNS)} FROM requests {where}", given)  # noqa: S608
        sizes, requests = _read(rows, left_out)
    block = round(median(sizes)) if sizes else PLAIN_BLOCK
    requests.sort(key=lambda each: each.at)
    return History(name=path.name, requests=requests, left_out=left_out, lacks=_lacks(requests, left_out), block=block)


def _read(rows: Iterable[Mapping[str, Any]], left_out: "Counter[str]") -> tuple[list[float], list[PastRequest]]:
    sizes, requests = [], []
    for row in rows:
        why = _useless(row)
        if why:
            left_out[why] += 1
            continue
        if row["block_tokens"]:
            sizes.append(row["block_tokens"])
        requests.append(_request(row))
    return sizes, requests


def _request(row: Mapping[str, Any]) -> PastRequest:
    return PastRequest(
        at=row["time"] - row["duration"],
        model=row["model"],
        key=row["key"],
        prompt=row["prompt_tokens"],
        output=row["completion_tokens"],
        deployment=row["deployment"],
        endpoint=row["endpoint"],
        first=row["first_token"] if row["stream"] else None,
        seconds=row["duration"],
        usd=row["cost"],
        failed=row["status"] >= 400,
        blocks=_names(row["blocks"]),
        cached=row["cached_tokens"],
    )


def _useless(row: Mapping[str, Any]) -> str:
    if row["mirror"]:
        return "mirrored copies"
    if row["family"] not in _TEXT:
        return f"{row['family']} requests"
    if row["usage"] == "none" or not row["prompt_tokens"]:
        failed = "requests that failed and have no token count"
        return failed if row["failure"] else "requests whose tokens nobody counted"
    return ""


def _names(blocks: bytes | None) -> tuple[int, ...]:
    if not blocks:
        return ()
    return tuple(int.from_bytes(blocks[at : at + 8], "little") for at in range(0, len(blocks), 8))


def _lacks(requests: Iterable[PastRequest], left_out: "Counter[str]") -> list[str]:
    lacks = []
    if not any(each.blocks for each in requests):
        lacks.append(
            "what prompts have in common (recorded under policies that read prefixes): no cache hits are played"
        )
    if left_out["requests that failed and have no token count"]:
        lacks.append("how long the requests that failed would have been")
    return lacks
