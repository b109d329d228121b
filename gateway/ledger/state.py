"""Saved learned state: one row per piece, replaced as it changes, read at a restart."""

import sqlite3
from collections.abc import Iterable

import msgspec

TABLE = """
    CREATE TABLE IF NOT EXISTS state
    (name TEXT PRIMARY KEY, what TEXT, version TEXT, time REAL, moment REAL, value BLOB)
"""


OLDEST = 24 * 3600.0  # seconds; engines and traffic of a day ago may be others


class Piece(msgspec.Struct, frozen=True):
    """One thing learned, of ``what``, in the shape that ``version`` stands for. ``time``: seconds since the epoch, and
    ``moment``, the same by the monotonic clock that the times in it are of."""

    name: str
    what: str
    version: str
    time: float
    moment: float
    value: bytes


def save(connection: sqlite3.Connection, pieces: Iterable[Piece]) -> None:
    """Beside what is younger than ``OLDEST``: an endpoint that is gone is not kept for ever.

    Raises:
        sqlite3.Error: the disk is full, the file is locked or gone.
    """
    rows = [msgspec.structs.astuple(piece) for piece in pieces]
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.executemany("INSERT OR REPLACE INTO state VALUES (?, ?, ?, ?, ?, ?)", rows)
        connection.execute("DELETE FROM state WHERE time < (SELECT max(time) FROM state) - ?", (OLDEST,))
        connection.execute("COMMIT")
    except sqlite3.Error:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def saved(connection: sqlite3.Connection) -> list[Piece]:
    return [Piece(*row) for row in connection.execute("SELECT name, what, version, time, moment, value FROM state")]
