"""Another gateway's history: LiteLLM's exported spend logs, or any table with a map of its columns.

CSV, JSON lines, or a JSON list. What is wrong is one line: file, line, field, and what was expected.
"""

import csv
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from math import isfinite, nan
from pathlib import Path
from typing import Any

import msgspec

from gateway.config.problem import suggest
from gateway.history.past_request import History, PastRequest
from gateway.simulate.trace import TraceError

#: What a column can be for. ``first_at`` and ``end`` are moments, ``first`` and ``seconds`` durations in seconds.
FIELDS = (
    "time", "prompt", "output", "model", "key", "cost", "end", "first_at", "first", "seconds", "status", "kind",
    "cached",
)  # fmt: skip
NEEDED = ("time", "prompt", "output")
SPEND_LOGS = {  # LiteLLM_SpendLogs: what is meant by which column
    "time": "startTime", "end": "endTime", "first_at": "completionStartTime", "prompt": "prompt_tokens",
    "output": "completion_tokens", "model": "model", "key": "api_key", "cost": "spend", "status": "status",
    "kind": "call_type", "cached": "cache_hit",
}  # fmt: skip
KINDS = ("completion", "responses", "messages")  # within a call_type: what asks for text
BATCH = 1_000  # rows between words of how far it is
MILLISECONDS = 1e11  # numbers beyond are taken for such


def columns(text: str) -> dict[str, str]:
    """The map that ``time=created,prompt=tokens_in,…`` means.

    Raises:
        ValueError: it means none.
    """
    made: dict[str, str] = {}
    for part in text.split(","):
        name, equals, column = (each.strip() for each in part.partition("="))
        if not equals or not column or name not in FIELDS:
            raise ValueError(
                f'--columns: "{part}" is not NAME=COLUMN{suggest(name, FIELDS)}; NAME: {", ".join(FIELDS)}'
            )
        made[name] = column
    missing = [name for name in NEEDED if name not in made]
    if missing:
        raise ValueError(f"--columns: {', '.join(missing)} missing; needed are {', '.join(NEEDED)}")
    return made


def foreign(
    path: Path, named: Mapping[str, str] | None = None, done: Callable[[int], None] = lambda _: None
) -> History:
    """``done`` is told of rows as they have been read.

    Raises:
        TraceError: it cannot be read so; the message says where.
        OSError: it cannot be opened.
    """
    left_out: Counter[str] = Counter()
    requests: list[PastRequest] = []
    using: Mapping[str, str] = {}
    for number, row in _rows(path):
        if not using:
            using = _columns(path, number, row, named)
        try:
            _add(row, using, requests, left_out)
        except ValueError as error:
            raise TraceError(f"{path}:{number}: {error}") from None
        if number % BATCH == 0:
            done(BATCH)
    if not requests:
        raise TraceError(f"{path}: no request in it{_but(left_out)}")
    requests.sort(key=lambda each: each.at)
    return History(path.name, requests, left_out, _lacks(requests))


def _but(left_out: Mapping[str, int]) -> str:
    return f" but {', '.join(f'{count} {why}' for why, count in left_out.items())}" if left_out else ""


def _rows(path: Path) -> Iterator[tuple[int, Mapping[str, Any]]]:
    if path.suffix == ".csv":
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file)
            try:
                for row in reader:
                    yield reader.line_num, row
            except (csv.Error, UnicodeDecodeError) as error:
                raise TraceError(f"{path}:{reader.line_num + 1}: {error}") from None
        return
    if path.suffix == ".json":
        yield from enumerate(_list(path), 1)
        return
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if line.strip():
                yield number, _object(path, number, line)


def _list(path: Path) -> list[dict[str, Any]]:
    """The rows of a JSON file, as LiteLLM's /spend/logs answers: one list, whose rows are numbered from 1."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=list[dict[str, Any]])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}: not a JSON list of objects: {error}") from None


def _object(path: Path, number: int, line: bytes) -> Mapping[str, Any]:
    try:
        return msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise TraceError(f"{path}:{number}: not a JSON object: {error}") from None


def _columns(path: Path, number: int, row: Mapping[str, Any], named: Mapping[str, str] | None) -> Mapping[str, str]:
    wanted = named if named is not None else {name: SPEND_LOGS[name] for name in NEEDED}
    missing = [column for column in wanted.values() if column not in row]
    if missing:
        what = "LiteLLM's spend logs have" if named is None else "--columns names"
        ways = "; for other tables say --columns time=…,prompt=…,output=…" if named is None else ""
        raise TraceError(f'{path}:{number}: {what} a column "{missing[0]}"{suggest(missing[0], row)}{ways}')
    return named if named is not None else SPEND_LOGS


def _add(
    row: Mapping[str, Any], using: Mapping[str, str], requests: list[PastRequest], left_out: "Counter[str]"
) -> None:
    """
    Raises:
        ValueError: a field is not what it must be.
    """
    given = {name: row.get(column) for name, column in using.items() if row.get(column) not in (None, "")}
    kind, status, cached = (str(given.get(name) or "").lower() for name in ("kind", "status", "cached"))
    if kind and not any(each in kind for each in KINDS):
        left_out[f"{kind} calls"] += 1
        return
    if cached == "true":
        left_out["answers from the gateway's own cache"] += 1
        return
    failed = bool(status) and status not in ("success", "200", "ok")
    prompt = _count(given.get("prompt"), using["prompt"])
    output = _count(given.get("output"), using["output"])
    if not prompt:
        left_out["failed requests" if failed else "requests without prompt tokens"] += 1
        return
    at, first, seconds = _times(given, using)
    requests.append(
        PastRequest(
            at=at,
            model=str(given.get("model") or ""),
            key=str(given.get("key") or ""),
            prompt=prompt,
            output=output,
            first=first,
            seconds=seconds,
            usd=_number(given.get("cost"), using.get("cost", "")),
            failed=failed,
        )
    )


def _times(given: Mapping[str, Any], using: Mapping[str, str]) -> tuple[float, float | None, float | None]:
    """When it arrived, in seconds since the epoch, and how long it took to its first token and to its end."""
    at = _moment(given.get("time"), using["time"])
    first, seconds = _number(given.get("first"), "first"), _number(given.get("seconds"), "seconds")
    if "first_at" in given:
        first = _moment(given["first_at"], using["first_at"]) - at
    if "end" in given:
        seconds = _moment(given["end"], using["end"]) - at
    if seconds is not None and seconds < 0:
        raise ValueError(f"{using.get('end', 'seconds')}: the request ends before it begins")
    if first is not None and (first <= 0 or first == seconds):
        first = None  # not streamed: LiteLLM writes the end there
    return at, first, seconds


def _count(value: Any, column: str) -> int:
    number = _number(value, column)
    if number is not None and (number < 0 or number != int(number)):
        raise ValueError(f"{column}: {value!r} is no number of tokens")
    return int(number or 0)


def _number(value: Any, column: str) -> float | None:
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = nan
    if not isfinite(number):
        raise ValueError(f"{column}: {value!r} is not a number")
    return number


def _moment(value: Any, column: str) -> float:
    """Seconds since the epoch, of ISO 8601 text (UTC where no zone is named) or a number (milliseconds if large)."""
    if isinstance(value, str) and not value.replace(".", "", 1).isdigit():
        try:
            moment = datetime.fromisoformat(value.strip())
        except ValueError:
            raise ValueError(f"{column}: {value!r} is not a time (ISO 8601, or seconds since the epoch)") from None
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    number = _number(value, column)
    if number is None:
        raise ValueError(f"{column}: is empty")
    return number / 1000 if number > MILLISECONDS else number


def _lacks(requests: list[PastRequest]) -> list[str]:
    lacks = ["what prompts have in common, so no cache hits are played: a pool may carry more than is said"]
    if not any(each.first is not None for each in requests):
        lacks.append("when first tokens came, so today's service level is not known")
    if not any(each.usd is not None for each in requests):
        lacks.append("what it cost")
    return lacks
