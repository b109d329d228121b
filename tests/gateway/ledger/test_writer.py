"""The writer loses nothing it accepted, counts what it could not keep, and never stands in a request's way."""

import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import astuple

from gateway.ledger.database import RENAMED, NotALedger, insert, open_to_read, open_to_write
from gateway.ledger.entry import row, values
from gateway.ledger.row import Row
from gateway.ledger.state import Piece, save, saved
from gateway.ledger.totals import overall
from gateway.ledger.writer import FLUSH, PRUNE, Ledger
from policies.vocabulary.types import Usage
from tests.gateway.ledger.outcomes import PRICE, answered, failed

DAY = 24 * 3600.0


def ignore(_: str) -> None:
    pass


def count(path: Path) -> int:
    reader = open_to_read(path)
    try:
        return int(reader.execute("SELECT count(*) FROM requests").fetchone()[0])
    finally:
        reader.close()


def test_every_outcome_is_a_row_that_others_can_read_meanwhile(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.db", DAY, ignore)
    for number in range(12_000):
        ledger.put(answered(number), PRICE)
    ledger.flush()
    assert count(tmp_path / "l.db") == ledger.written == 12_000
    ledger.put(failed(), None)
    ledger.close()
    assert count(tmp_path / "l.db") == 12_001 and ledger.dropped == 0


def test_every_column_of_every_row_is_written_whatever_stands_beside_it(tmp_path: Path) -> None:
    """Rows with little to say are written together, those that have much in common in fewer words, the others one by
    one; here in runs of every length."""
    mixed = [answered, lambda number: answered(number, model=f"m{number % 3}", stream=number % 2 == 0)]
    kinds = [*mixed, failed, lambda number: answered(number, route="gold", queued=0.5)]
    runs = [(kinds[turn % 4], length) for turn, length in enumerate((1, 99, 2, 101, 201, 900, 1, 3, 1100, 15))]
    made = [kind(number) for kind, length in runs for number in range(length)]
    database = open_to_write(tmp_path / "l.db")
    insert(database, [values(10.0, each, PRICE) for each in made])
    names = ", ".join(Row.__struct_fields__)
    wanted = [astuple(row(10.0, each, PRICE)) for each in made]
    assert Counter(database.execute(f"SELECT {names} FROM requests")) == Counter(wanted)


def test_a_second_gateway_run_adds_to_the_first(tmp_path: Path) -> None:
    for _ in range(2):
        ledger = Ledger(tmp_path / "l.db", DAY, ignore)
        ledger.put(answered(), PRICE)
        ledger.close()
    assert count(tmp_path / "l.db") == 2


def test_a_ledger_of_an_older_version_gains_the_new_columns(tmp_path: Path) -> None:
    old = open_to_write(tmp_path / "l.db")
    old.execute("ALTER TABLE requests DROP COLUMN cost")
    old.close()
    ledger = Ledger(tmp_path / "l.db", DAY, ignore)
    ledger.put(answered(), PRICE)
    ledger.close()
    reader = open_to_read(tmp_path / "l.db")
    assert reader.execute("SELECT cost FROM requests").fetchone()[0] > 0
    assert {name for _, name, *_ in reader.execute("PRAGMA table_info(requests)")} == set(Row.__struct_fields__)
    reader.close()


def test_a_ledger_of_an_older_version_is_read_without_being_changed(tmp_path: Path) -> None:
    old = open_to_write(tmp_path / "l.db")
    insert(old, [values(1.0, answered(), PRICE)])
    old.execute("ALTER TABLE requests DROP COLUMN itemized")
    old.execute("DROP TABLE charges")
    old.close()
    reader = open_to_read(tmp_path / "l.db")
    assert tuple(reader.execute("SELECT id, itemized FROM requests").fetchone()) == ("req_0", None)
    assert overall(reader).prompt_tokens == 1000
    assert reader.execute("SELECT count(*) FROM main.sqlite_master WHERE name = 'charges'").fetchone()[0] == 0
    reader.close()


def test_a_ledger_whose_columns_had_other_names_keeps_their_values(tmp_path: Path) -> None:
    old = open_to_write(tmp_path / "l.db")
    insert(old, [values(1.0, answered(), PRICE)])
    old.execute("UPDATE requests SET signal = 'learned'")
    for before, now in RENAMED.items():
        old.execute(f"ALTER TABLE requests RENAME COLUMN {now} TO {before}")
    old.close()
    reader = open_to_read(tmp_path / "l.db")
    assert reader.execute("SELECT signal FROM requests").fetchone()[0] == "learned"
    reader.close()
    open_to_write(tmp_path / "l.db").close()
    reader = open_to_read(tmp_path / "l.db")
    assert reader.execute("SELECT signal FROM requests").fetchone()[0] == "learned"
    assert {name for _, name, *_ in reader.execute("PRAGMA table_info(requests)")} == set(Row.__struct_fields__)
    reader.close()


def test_a_full_disk_stops_the_recording_and_says_so_and_it_resumes(tmp_path: Path) -> None:
    said: list[str] = []
    ledger = Ledger(tmp_path / "l.db", DAY, said.append)
    database = ledger._database
    pages = database.execute("PRAGMA page_count").fetchone()[0]
    database.execute(f"PRAGMA max_page_count = {pages}")  # SQLite's own "database or disk is full"
    for number in range(5000):
        ledger.put(answered(number), PRICE)
    ledger.flush()
    assert ledger.written == 0 and "full" in said[0]
    database.execute("PRAGMA max_page_count = 1000000")
    ledger.close()
    assert count(tmp_path / "l.db") == 5000, "what still fitted into the queue was kept for later"


def test_what_does_not_fit_is_dropped_and_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.ledger.writer.QUEUE", 10)
    ledger = Ledger(tmp_path / "l.db", DAY, ignore)
    with ledger._lock:  # the writer is held up
        for number in range(25):
            ledger.put(answered(number), PRICE)
    ledger.close()
    assert ledger.dropped == 15 and count(tmp_path / "l.db") == 10


def test_a_number_that_no_database_holds_does_not_end_the_recording(tmp_path: Path) -> None:
    told: list[str] = []
    ledger = Ledger(tmp_path / "l.db", DAY, told.append)
    ledger.put(answered(usage=Usage(prompt=2**70)), None)
    ledger.flush()
    ledger.put(answered(), PRICE)
    ledger.close()
    assert (count(tmp_path / "l.db"), ledger.written, ledger.dropped) == (1, 1, 1)
    assert "dropped 1 requests" in told[0]


def test_rows_past_their_time_are_deleted(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.db", DAY, ignore)
    for number in range(3):
        ledger.put(answered(number), PRICE)
    ledger.flush()
    ledger._database.execute("UPDATE requests SET time = time - ? WHERE id != 'req_2'", (2 * DAY,))
    ledger._prune()
    ledger.close()
    assert count(tmp_path / "l.db") == 1


def test_more_rows_past_their_time_than_one_look_deletes_are_all_deleted_soon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A gateway busier than 167 requests a second had a ledger that grew without end."""
    monkeypatch.setattr("gateway.ledger.writer.PRUNED", 2)
    ledger = Ledger(tmp_path / "l.db", -DAY, ignore)  # all is past its time
    for number in range(5):
        ledger.put(answered(number), PRICE)
    ledger.flush()
    ledger._pruned_at -= PRUNE
    deadline = time.monotonic() + 60
    while count(tmp_path / "l.db") and time.monotonic() < deadline:
        time.sleep(0.05)
    ledger.close()
    assert count(tmp_path / "l.db") == 0


def test_what_was_learned_of_a_place_long_gone_is_forgotten(tmp_path: Path) -> None:
    database = open_to_write(tmp_path / "l.db")
    gone, here = (Piece(name, "vllm:m", "v", when, 0.0, b"") for name, when in (("gone", 1000.0), ("here", 2e6)))
    save(database, [gone])
    save(database, [here])
    assert saved(database) == [here]
    database.close()


CRASHING = """
import os, signal, sys, time
from pathlib import Path
from gateway.ledger.writer import Ledger
from policies.vocabulary.types import Usage
from tests.gateway.ledger.outcomes import answered
ledger = Ledger(Path(sys.argv[1]), 1e9, print)
for number in range(1000):
    ledger.put(answered(number), None)
while ledger.written < 1000:
    time.sleep(0.01)
for number in range(100):
    ledger.put(answered(number), None)
os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_loses_at_most_its_last_batch(tmp_path: Path) -> None:
    path = tmp_path / "l.db"
    killed = subprocess.run([sys.executable, "-c", CRASHING, str(path)], timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert 1000 <= count(path) <= 1100, f"what came in the last {FLUSH} s may be gone, no more"
    Ledger(path, DAY, ignore).close()


@pytest.mark.parametrize(
    "content", [b"not a database at all, but long enough to look like one" * 20, b"SQLite format 3\0"]
)
def test_a_file_of_something_else_is_refused_and_left_alone(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "l.db"
    path.write_bytes(content)
    with pytest.raises(NotALedger, match=r"l\.db"):
        Ledger(path, DAY, ignore)
    assert path.read_bytes() == content


def test_another_programs_database_is_refused(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "l.db")
    other.execute("CREATE TABLE theirs (x)")
    other.commit()
    other.close()
    for opened in (open_to_write, open_to_read):
        with pytest.raises(NotALedger):
            opened(tmp_path / "l.db")


def test_a_place_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotALedger, match="missing"):
        Ledger(tmp_path / "missing" / "l.db", DAY, ignore)
    with pytest.raises(NotALedger, match="does not exist"):
        open_to_read(tmp_path / "l.db")
