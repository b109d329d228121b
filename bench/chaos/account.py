"""The account. Rule: what the gateway says a request cost is compared with what the engines wrote down themselves."""

from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import msgspec

from backends.engine.journal import Line


class Account(msgspec.Struct):
    """``exact``: attempts whose reported usage is the engine's to the token; ``differs``: those where it is not.

    ``estimates``: tokens generated, estimated minus the engine's own count, where a cancel left no usage;
    ``unknown``: estimates of which no engine is left to ask, since it was killed. ``unsaved``: why streams that broke
    were not recovered.
    """

    exact: int = 0
    differs: list[str] = []
    estimates: list[int] = []
    unknown: int = 0
    failures: dict[str, int] = {}
    recovered: dict[str, int] = {}
    hedged: dict[str, int] = {}
    unsaved: dict[str, int] = {}
    rescued: int = 0


class _Usage(msgspec.Struct):
    prompt: int = 0
    completion: int = 0
    source: str = "none"


class _Spent(msgspec.Struct):
    deployment: str
    endpoint: str
    usage: _Usage
    end: str


def account(log: Path, journals: dict[str, list[Line]]) -> Account:
    """``journals``: by the engine's root."""
    books = {root: _by_id(lines) for root, lines in journals.items()}
    made = Account()
    counts = {name: Counter[str]() for name in ("failures", "recovered", "hedged", "unsaved")}
    for line in log.read_bytes().splitlines():
        request = msgspec.json.decode(line)
        if request["event"] == "recovery":
            counts["unsaved"][request["message"].partition("not recovered: ")[2]] += 1
        if request["event"] != "request":
            continue
        for counter, key in (("failures", "failure"), ("recovered", "recovered"), ("hedged", "hedged")):
            if request.get(key):
                counts[counter][request[key]] += 1
        made.rescued += "failure" not in request and request.get("attempts", 0) > 1
        for spent in _spent(request):
            _compare(made, request["id"], spent, books)
    for name, counted in counts.items():
        setattr(made, name, dict(counted.most_common()))
    return made


def _spent(request: dict[str, Any]) -> list[_Spent]:
    """Each attempt's tokens: those noted, or the one attempt's there was."""
    spent = [msgspec.convert(each, _Spent) for each in request.get("spent", ())]
    if not any(each.end == "ok" for each in spent) and not request.get("recovered"):
        tokens = request.get("prompt_tokens", 0), request.get("completion_tokens", 0)
        usage = _Usage(*tokens, request.get("usage", "none"))
        spent.append(_Spent(request.get("deployment", ""), request.get("endpoint", ""), usage, "last"))
    return spent


def _compare(made: Account, id: str, spent: _Spent, books: dict[str, dict[str, list[Line]]]) -> None:
    lines = books.get(spent.endpoint.removesuffix("/v1"), {}).get(id, [])
    if spent.usage.source == "upstream":
        tokens = [(line.prompt, line.completion) for line in lines]
        if (spent.usage.prompt, spent.usage.completion) in tokens:
            made.exact += 1
        else:
            made.differs.append(f"{id} at {spent.endpoint}: {spent.usage} is none of {tokens}")
    elif spent.usage.source == "estimated":
        if lines:
            made.estimates.append(min((spent.usage.completion - line.completion for line in lines), key=abs))
        else:
            made.unknown += 1


def _by_id(lines: Iterable[Line]) -> dict[str, list[Line]]:
    book: dict[str, list[Line]] = {}
    for line in lines:
        book.setdefault(line.id, []).append(line)
    return book
