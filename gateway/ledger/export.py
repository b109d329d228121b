"""Export of every column as it is, as a whole file or none; Parquet where pyarrow is installed."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from gateway.ledger.database import TABLES
from gateway.ledger.row import columns

BATCH = 20_000  # rows in hand at once
JSON_COLUMNS = ("tries", "decision")
Rows = Iterator[list[tuple[Any, ...]]]


class NoParquet(Exception):
    """pyarrow is not installed; the message says what to do."""


def rows(ledger: sqlite3.Connection, table: str, since: float, until: float) -> Rows:
    """In order of time, in batches."""
    names = ", ".join(TABLES[table].__struct_fields__)
    query = f"SELECT {names} FROM {table} WHERE time >= ? AND time < ? ORDER BY time"  # noqa: S608
    found = ledger.execute(query, (since, until))
    while batch := found.fetchmany(BATCH):
        yield batch


def count(ledger: sqlite3.Connection, table: str, since: float, until: float) -> int:
    query = f"SELECT count(*) FROM {table} WHERE time >= ? AND time < ?"  # noqa: S608
    return int(ledger.execute(query, (since, until)).fetchone()[0])


def write_jsonl(path: Path, table: str, batches: Rows, wrote: Callable[[int], None]) -> None:
    """One JSON object a line; what is not known is left out. ``wrote`` is told of rows as they are written."""
    names = TABLES[table].__struct_fields__
    encode = msgspec.json.Encoder().encode
    with _whole(path) as made, made.open("wb") as file:
        for batch in batches:
            file.writelines(encode(_object(names, row)) + b"\n" for row in batch)
            wrote(len(batch))


def write_parquet(path: Path, table: str, batches: Rows, wrote: Callable[[int], None]) -> None:
    """
    Raises:
        NoParquet: pyarrow is not installed.
    """
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        raise NoParquet("Parquet needs pyarrow: pip install 'cloverleaf[parquet]', or export to .jsonl") from None
    types = {"TEXT": pyarrow.string(), "REAL": pyarrow.float64(), "INTEGER": pyarrow.int64(), "BLOB": pyarrow.binary()}
    kinds = [(name, pyarrow.string() if name in JSON_COLUMNS else types[kind]) for name, kind in columns(TABLES[table])]
    schema = pyarrow.schema(kinds)
    with _whole(path) as made, parquet.ParquetWriter(made, schema, compression="zstd") as writer:
        for batch in batches:
            arrays = [
                pyarrow.array(_texts(values) if name in JSON_COLUMNS else values, type=kind)
                for (name, kind), values in zip(kinds, zip(*batch, strict=True), strict=True)
            ]
            writer.write_batch(pyarrow.record_batch(arrays, schema=schema))
            wrote(len(batch))


def _texts(values: tuple[Any, ...]) -> list[str | None]:
    return [value.decode() if value is not None else None for value in values]


def _object(names: tuple[str, ...], row: tuple[Any, ...]) -> dict[str, Any]:
    found = {name: value for name, value in zip(names, row, strict=True) if value is not None}
    for name in JSON_COLUMNS:
        if name in found:
            found[name] = msgspec.Raw(found[name])
    if "blocks" in found:
        held = found["blocks"]
        found["blocks"] = [held[at : at + 8].hex() for at in range(0, len(held), 8)]
    return found


@contextmanager
def _whole(path: Path) -> Iterator[Path]:
    """A file beside it, that takes its place when all went well."""
    made = path.with_name(f".{path.name}.part")
    try:
        yield made
        made.replace(path)
    finally:
        made.unlink(missing_ok=True)
