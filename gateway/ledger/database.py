"""The database. Rule: SQLite in WAL mode, one writer and any readers; a file that is not a ledger is never touched."""

import sqlite3
from collections.abc import Iterable
from pathlib import Path

import msgspec

from gateway.ledger.row import COLUMNS, Row, columns

APPLICATION = 0x434C4F56  # "CLOV": says in the file's header whose it is
_INSERT = f"INSERT INTO requests ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608


class NotALedger(OSError):
    """The file is something else, or cannot be opened; the message names it."""


def open_to_write(path: Path) -> sqlite3.Connection:
    """A ledger, made if there is none.

    Raises:
        NotALedger: the file holds something else, or cannot be made.
    """
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
        raise NotALedger(f"{path} cannot be used as a ledger: {error}") from None
    return connection


def open_to_read(path: Path) -> sqlite3.Connection:
    """An existing ledger, for reading, beside a gateway that writes it.

    Raises:
        NotALedger: there is none.
    """
    if not path.is_file():
        raise NotALedger(f"{path} does not exist")
    try:
        connection = sqlite3.connect(f"file:{path.resolve().as_posix()}?mode=ro", uri=True, timeout=5.0)
        if connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION:
            raise NotALedger(f"{path} is not a ledger")
    except sqlite3.Error as error:
        raise NotALedger(f"{path} cannot be read as a ledger: {error}") from None
    return connection


def insert(connection: sqlite3.Connection, rows: Iterable[Row]) -> None:
    """All of them, or none.

    Raises:
        sqlite3.Error: the disk is full, the file is locked or gone.
    """
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany(_INSERT, map(msgspec.structs.astuple, rows))
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def forget(connection: sqlite3.Connection, before: float, most: int) -> int:
    """Delete up to ``most`` rows older than ``before`` (seconds since the epoch); how many there were."""
    found = connection.execute(
        "DELETE FROM requests WHERE rowid IN (SELECT rowid FROM requests WHERE time < ? LIMIT ?)", (before, most)
    )
    return found.rowcount


def _migrate(connection: sqlite3.Connection) -> None:
    declared = ", ".join(f"{name} {kind}" for name, kind in columns())
    connection.execute(f"CREATE TABLE IF NOT EXISTS requests ({declared})")
    connection.execute("CREATE INDEX IF NOT EXISTS requests_by_time ON requests (time)")
    present = {name for _, name, *_ in connection.execute("PRAGMA table_info(requests)")}
    for name, kind in columns():
        if name not in present:
            connection.execute(f"ALTER TABLE requests ADD COLUMN {name} {kind}")
