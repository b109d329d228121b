"""The ledger's writer: a bounded queue, and a thread that writes it in batches.

Rows are made on the event loop, some at once: the thread would fight it for the interpreter, and both would pay.
What does not fit, or cannot be written, is dropped and counted. A full disk stops the recording, not the routing, and
the writer tries again. A killed process loses what was queued: at most what came in the last ``FLUSH`` seconds.
"""

# compiled

import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from gateway import clock
from gateway.ledger.database import forget, insert, open_to_write
from gateway.ledger.entry import charges, values
from gateway.ledger.row import Charge
from gateway.ledger.state import Piece, save, saved
from policies.attempts.outcome import Outcome
from policies.vocabulary.types import Price

QUEUE = 65_536  # rows
BATCH = 5_000  # rows in one transaction
TOGETHER = 64  # requests of which rows are made at once, while all they touch is in the processor's cache
FLUSH = 0.5  # seconds
PRUNE = 60.0  # seconds between looks for rows past their time,
PRUNED = 10_000  # of which so many are deleted at one look; if there were as many, the next flush looks again
SAVE = 10.0  # seconds between writes of what was learned
RETRY = 5.0  # seconds after a write that failed

Learned = Callable[[], Iterable[Piece]]


class Ledger:
    """Collects outcomes; a daemon thread writes them. ``retention``: seconds; ``report`` is told of trouble.

    ``learned``: gives what was learned, to be written every ``SAVE`` seconds and at the end.

    Raises:
        NotALedger: the file cannot be one.
    """

    def __init__(self, path: Path, retention: float, report: Callable[[str], None], learned: Learned = tuple) -> None:
        self._database = open_to_write(path)
        self._retention = retention
        self._report = report
        self._rows: deque[tuple[Any, ...]] = deque()
        self._ended: deque[tuple[float, Outcome, Price | None]] = deque()  # of which rows are yet to be made
        self._charges: deque[Charge] = deque()  # each before its request's row
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._learned = learned
        self._pruned_at = self._saved_at = clock.now()
        self._resting_until = 0.0
        self.written = 0
        self.dropped = 0
        self._worker = threading.Thread(target=self._run, name="ledger", daemon=True)
        self._worker.start()

    def put(self, outcome: Outcome, price: Price | None) -> None:
        """Never blocks, never raises."""
        if len(self._rows) + len(self._ended) >= QUEUE:
            self.dropped += 1
            return
        self._ended.append((clock.wall(), outcome, price))
        if len(self._ended) >= TOGETHER:
            self._make_rows()

    def _make_rows(self) -> None:
        """Of what has ended; the loop and the thread may be at it at once."""
        while self._ended:
            try:
                ended = self._ended.popleft()
            except IndexError:  # the other took the last
                return
            if ended[1].spent:
                self._charges.extend(charges(*ended))
            self._rows.append(values(*ended))

    def flush(self) -> None:
        """Write what is waiting, unless the last write has just failed."""
        with self._lock:
            self._make_rows()
            while self._rows and clock.now() >= self._resting_until:
                self._write()

    def close(self) -> None:
        """Write the last of it."""
        self._stop.set()
        self._worker.join(timeout=5.0)
        self._resting_until = 0.0
        self.flush()
        self._save()
        self._database.close()

    def saved(self) -> list[Piece]:
        """What was learned before."""
        with self._lock:
            return saved(self._database)

    def _run(self) -> None:
        while not self._stop.wait(FLUSH):
            self.flush()
            if clock.now() - self._saved_at >= SAVE:
                self._save()
            if clock.now() - self._pruned_at >= PRUNE:
                self._prune()

    def _write(self) -> None:
        batch = [self._rows.popleft() for _ in range(min(BATCH, len(self._rows)))]
        charged = [self._charges.popleft() for _ in range(len(self._charges))]
        try:
            insert(self._database, batch, charged)
        except sqlite3.Error as error:
            self._rows.extendleft(reversed(batch))
            self._charges.extendleft(reversed(charged))
            self._resting_until = clock.now() + RETRY
            self._report(f"the ledger cannot be written, so requests go unrecorded: {error}")
        except (OverflowError, ValueError) as error:  # a value that no database takes: trying again would not end
            self.dropped += len(batch)
            self._report(f"the ledger has dropped {len(batch)} requests: {error}")
        else:
            self.written += len(batch)

    def _save(self) -> None:
        self._saved_at = clock.now()
        with self._lock:
            try:
                save(self._database, self._learned())
            except sqlite3.Error as error:
                self._report(f"what was learned cannot be written to the ledger: {error}")

    def _prune(self) -> None:
        self._pruned_at = clock.now()
        with self._lock:
            try:
                if forget(self._database, clock.wall() - self._retention, PRUNED) >= PRUNED:
                    self._pruned_at -= PRUNE
            except sqlite3.Error as error:
                self._report(f"old rows of the ledger cannot be deleted: {error}")
