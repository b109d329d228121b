"""The ledger's database: SQLite in WAL mode, one writer, any readers. A file that is not a ledger is never touched."""

import sqlite3
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from gateway.ledger import state
from gateway.ledger.row import USUAL, Charge, Row, columns

APPLICATION = 0x434C4F56  # "CLOV": says in the file's header whose it is
#: Columns of an earlier version -> their names now.
RENAMED: Mapping[str, str] = MappingProxyType({
    "apart": "itemized", "signal": "signal", "missed": "miss_probability", "work": "predicted_gpu_seconds",
    "foretold_first": "predicted_ttft", "late_after": "predicted_ttft_p95", "foretold_each": "predicted_tpot",
    "foretold_uncached": "predicted_uncached_tokens", "foretold_output": "predicted_completion_tokens",
})  # fmt: skip
TABLES: Mapping[str, type[Row | Charge]] = MappingProxyType({"requests": Row, "charges": Charge})


class NotALedger(OSError):
    """The file is something else, or cannot be opened; the message names it."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """A ledger, made if there is none.

    Raises:
        NotALedger: the file holds something else, or cannot be made.
    """
    connection: sqlite3.Connection | None = None
    try:
        connection = sqlite3.connect(path, timeout=5.0, isolation_level=None, check_same_thread=False)
        owner = connection.execute("PRAGMA application_id").fetchone()[0]
        tables = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
        if tables and owner != APPLICATION:
            connection.close()
            raise NotALedger(f"{path} is a database of something else")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")  # a power cut may lose the last batches, never the file
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        _migrate(connection)
    except sqlite3.Error as error:
        if connection is not None:
            connection.close()
        raise NotALedger(f"{path} cannot be used as a ledger: {error}") from None
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """An existing ledger, for reading, beside a gateway that writes it; its rows are read by column name.

    Raises:
        NotALedger: there is none.
    """
    if not path.is_file():
        raise NotALedger(f"{path} does not exist")
    try:
        connection = sqlite3.connect(f"file:{path.resolve().as_posix()}?mode=ro", uri=True, timeout=5.0)
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise NotALedger(f"{path} is not a ledger")
        connection.row_factory = sqlite3.Row
        _complete(connection)
    except sqlite3.Error as error:
        raise NotALedger(f"{path} cannot be read as a ledger: {error}") from None
    return connection


def insert(connection: sqlite3.Connection, rows: Iterable[tuple[Any, ...]], charged: Iterable[Charge] = ()) -> None:
    """All of them, or none. ``rows``: as `row.values` makes them.

    Raises:
        sqlite3.Error: the disk is full, the file is locked or gone.
        OverflowError, ValueError: a value is one that SQLite cannot hold.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        for width, some in groupby(rows, len):
            if width == USUAL:  # binding the others' NULLs would double the cost
                _insert_usual(connection, list(some))
            else:
                connection.executemany(_ALL, some)
        connection.executemany(_CHARGES, map(msgspec.structs.astuple, charged))
        connection.execute("COMMIT")
    except Exception:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _inserting(table: str, names: Sequence[str], rows: int = 1) -> str:
    values = ", ".join([f"({', '.join('?' * len(names))})"] * rows)
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES {values}"  # noqa: S608


def _inserting_alike(rows: int) -> str:
    """``_SHARED`` values once, then each row's own."""
    names = [Row.__struct_fields__[at] for at in (*_SHARED, *_OWN)]
    marks = [f"?{1 + at}" for at in range(len(_SHARED))]
    each = (range(at, at + len(_OWN)) for at in range(1 + len(_SHARED), 1 + len(_SHARED) + rows * len(_OWN), len(_OWN)))
    values = ", ".join(f"({', '.join([*marks, *(f'?{at}' for at in own)])})" for own in each)
    return f"INSERT INTO requests ({', '.join(names)}) VALUES {values}"  # noqa: S608


_OWN = [Row.__struct_fields__.index(name) for name in (
    "id", "time", "duration", "first_token", "overhead", "prompt_tokens", "cached_tokens", "completion_tokens", "cost",
    "seed",
)]  # fmt: skip
_SHARED = [at for at in range(USUAL) if at not in _OWN]
_own, _shared = itemgetter(*_OWN), itemgetter(*_SHARED)
_ALIKE = [(rows, _inserting_alike(rows)) for rows in (1024, 128, 16)]
_ALL, _CHARGES = (_inserting(name, kind.__struct_fields__) for name, kind in TABLES.items())
_USUAL = [(rows, _inserting("requests", Row.__struct_fields__[:USUAL], rows)) for rows in (1024, 128, 16, 4, 1)]


def _insert_usual(connection: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    """In few statements: at each the thread lets go of the interpreter and has to wait for it, and while it waits, each
    callback of the event loop wakes it in vain. What many rows have in common is bound once for all of them."""
    alike: dict[tuple[Any, ...], list[tuple[Any, ...]]] = defaultdict(list)
    for row in rows:
        alike[_shared(row)].append(row)
    few: list[tuple[Any, ...]] = []
    for shared, some in alike.items():
        left = _in_steps(connection, _ALIKE, some, _own, shared)
        few += some[left:]
    _in_steps(connection, _USUAL, few, tuple, ())


def _in_steps(
    connection: sqlite3.Connection,
    statements: Sequence[tuple[int, str]],
    rows: list[tuple[Any, ...]],
    own: Callable[[tuple[Any, ...]], tuple[Any, ...]],
    shared: tuple[Any, ...],
) -> int:
    """Insert as many rows as the statements can, the widest first; how many."""
    done = 0
    for many, statement in statements:
        for at in range(done, len(rows) - many + 1, many):
            connection.execute(statement, (*shared, *chain.from_iterable(map(own, rows[at : at + many]))))
            done += many
    return done


def forget(connection: sqlite3.Connection, before: float, most: int) -> int:
    """Delete up to ``most`` rows of each table older than ``before`` (seconds since the epoch); how many there were."""
    return sum(
        connection.execute(
            f"DELETE FROM {name} WHERE rowid IN (SELECT rowid FROM {name} WHERE time < ? LIMIT ?)",  # noqa: S608
            (before, most),
        ).rowcount
        for name in TABLES
    )


def _migrate(connection: sqlite3.Connection) -> None:
    """Tables and columns that are not there yet; a file keeps those of a later version."""
    connection.execute(state.TABLE)
    for table, kind in TABLES.items():
        declared = ", ".join(f"{name} {type}" for name, type in columns(kind))
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} ({declared})")
        connection.execute(f"CREATE INDEX IF NOT EXISTS {table}_by_time ON {table} (time)")
        present = _present(connection, table)
        for name, before in present.items():
            if name != before:
                connection.execute(f"ALTER TABLE {table} RENAME COLUMN {before} TO {name}")
        for name, type in columns(kind):
            if name not in present:
                connection.execute(f"ALTER TABLE {table} ADD COLUMN {name} {type}")


def _complete(connection: sqlite3.Connection) -> None:
    """What an older file lacks, read as nothing: views of this connection alone stand before its tables."""
    for table, kind in TABLES.items():
        present, names = _present(connection, table), kind.__struct_fields__
        if any(present.get(name) != name for name in names):
            read = ", ".join(f"{present.get(name, 'NULL')} AS {name}" for name in names)
            source = f" FROM main.{table}" if present else " WHERE 0"
            connection.execute(f"CREATE TEMP VIEW {table} AS SELECT {read}{source}")


def _present(connection: sqlite3.Connection, table: str) -> dict[str, str]:
    """A file's columns by the names they have now."""
    found = [name for _, name, *_ in connection.execute(f"PRAGMA table_info({table})")]
    return {RENAMED.get(name, name): name for name in found}
