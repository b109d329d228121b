"""Trace readers by file ending: .jsonl Mooncake's, .csv Azure's, .yaml a synthetic workload."""

import csv
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import Annotated

import msgspec

from gateway.simulate.generate import draw
from gateway.simulate.trace import Arrival, Trace, TraceError
from gateway.simulate.workload_spec import load_spec

MOONCAKE_BLOCK = 512  # tokens a hash id stands for
PLAIN_BLOCK = 512  # of a trace that tells nothing of its prompts: only how finely the cache is shared out
AZURE = ("TIMESTAMP", "ContextTokens", "GeneratedTokens")

Natural = Annotated[int, msgspec.Meta(ge=0)]


class MooncakeRow(msgspec.Struct):
    """A line of a Mooncake trace; milliseconds."""

    timestamp: float
    input_length: Annotated[int, msgspec.Meta(ge=1)]
    output_length: Natural
    hash_ids: tuple[int, ...]


def read_trace(path: Path, seed: int) -> Trace:
    """The trace in a file; ``seed`` is what a synthetic one is drawn from.

    Raises:
        TraceError: the file is not what its ending says.
        ConfigError: a spec with problems in it.
        OSError: it cannot be opened.
    """
    reader = READERS.get(path.suffix)
    if reader is None:
        raise TraceError(f"{path}: a trace ends in {', '.join(READERS)}")
    trace = reader(path, seed)
    if not trace.arrivals:
        raise TraceError(f"{path}: no request in it")
    return trace


def read_mooncake(path: Path, seed: int) -> Trace:
    """Mooncake's JSON lines: timestamp (ms), input_length, output_length, hash_ids (each a block of 512 tokens)."""
    decode = msgspec.json.Decoder(MooncakeRow).decode
    rows = []
    with path.open("rb") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                rows.append(decode(line))
            except (msgspec.DecodeError, UnicodeDecodeError) as error:
                raise TraceError(f"{path}:{number}: {error}") from None
    arrivals = [Arrival(row.timestamp / 1000, row.input_length, row.output_length, row.hash_ids) for row in rows]
    return Trace(path.name, from_zero(arrivals), MOONCAKE_BLOCK)


def read_azure(path: Path, seed: int) -> Trace:
    """Azure's CSV: TIMESTAMP, ContextTokens, GeneratedTokens; it tells nothing of what prompts have in common."""
    arrivals = []
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = csv.DictReader(file)
        if not set(AZURE) <= set(rows.fieldnames or ()):
            raise TraceError(f"{path}:1: expected the columns {', '.join(AZURE)}")
        for row in rows:
            try:
                arrivals.append(azure_row(row))
            except (ValueError, TypeError) as error:
                raise TraceError(f"{path}:{rows.line_num}: {error}") from None
    return Trace(path.name, from_zero(arrivals), PLAIN_BLOCK)


def azure_row(row: Mapping[str, str]) -> Arrival:
    """Its timestamps have seven decimals, one more than a datetime holds."""
    moment = datetime.fromisoformat(row["TIMESTAMP"].strip()[:26]).timestamp()
    prompt, output = int(row["ContextTokens"]), int(row["GeneratedTokens"])
    if prompt < 1 or output < 0:
        raise ValueError(f"{prompt} tokens in and {output} out make no request")
    return Arrival(moment, prompt, output)


def read_spec(path: Path, seed: int) -> Trace:
    """A synthetic workload, drawn by the seed."""
    spec = load_spec(path)
    return Trace(
        name=path.name,
        arrivals=draw(spec, seed),
        block=spec.block,
        slow=spec.slow,
        outages=spec.outages,
        cloud=spec.cloud,
    )


def from_zero(arrivals: list[Arrival]) -> Sequence[Arrival]:
    """In order of time, the first at 0."""
    arrivals.sort(key=lambda each: each.at)
    return [msgspec.structs.replace(each, at=each.at - arrivals[0].at) for each in arrivals]


#: How a file is read, by its ending. The gateway's own ledger joins them as one more row.
READERS: Mapping[str, Callable[[Path, int], Trace]] = MappingProxyType(
    {".jsonl": read_mooncake, ".csv": read_azure, ".yaml": read_spec, ".yml": read_spec}
)
