"""An export holds every row and column as it is, and is whole or not there."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from pyarrow import parquet

from gateway.cli import main
from gateway.ledger.database import insert, open_to_write
from gateway.ledger.entry import charges, values
from gateway.ledger.row import Row
from policies.attempts.attempt_record import AttemptRecord
from policies.vocabulary.types import AttemptCost, Request, Usage
from tests.gateway.ledger.outcomes import PRICE, answered, failed

ASKED = Request("chat", "llama", True, 9, 10.0, blocks=tuple(range(1, 9)), block_tokens=128.0)
TRIED = AttemptRecord("cloud", "http://c", 10.0, 10.5, "unreachable", "first", "")


@pytest.fixture
def ledger(tmp_path: Path) -> Path:
    path = tmp_path / "l.db"
    writer = open_to_write(path)
    lost = AttemptCost("cloud", "http://c", Usage(1000, 0, 0, "estimated"), "cancelled", 0.25)
    outcomes = [answered(0, asked=ASKED), answered(1, spent=(lost,), tries=(TRIED,)), failed(2)]
    for day, each in enumerate(outcomes):
        made = (86_400.0 * day, each, PRICE)
        insert(writer, [values(*made)], charges(*made))
    writer.close()
    return path


def exported(ledger: Path, name: str, *options: str) -> Path:
    path = ledger.parent / name
    assert main(["ledger", "export", str(path), "--ledger", str(ledger), *options]) == 0
    return path


def test_jsonl_is_an_object_a_row(ledger: Path) -> None:
    found = [msgspec.json.decode(line) for line in exported(ledger, "out.jsonl").read_bytes().splitlines()]
    assert [each["id"] for each in found] == ["req_0", "req_1", "req_2"]
    assert found[0]["blocks"] == [f"0{n}00000000000000" for n in (2, 4, 6, 8)] and "recovered" not in found[0]
    assert found[1]["tries"][0]["end"] == "unreachable" and found[2]["failure"] == "UNREACHABLE"


def test_parquet_has_every_column_with_its_type(ledger: Path) -> None:
    table = parquet.read_table(exported(ledger, "out.parquet"))
    assert table.column_names == list(Row.__struct_fields__) and table.num_rows == 3
    assert table.column("prompt_tokens").to_pylist() == [1000, 1000, 0]
    assert table.column("cost").to_pylist()[2] is None and "unreachable" in table.column("tries").to_pylist()[1]
    attempts = parquet.read_table(exported(ledger, "charges.parquet", "--table", "charges"))
    assert attempts.column("deployment").to_pylist() == ["cloud", "pool"]


def test_days_can_be_cut_out(ledger: Path) -> None:
    one = exported(ledger, "one.jsonl", "--since", "1970-01-02", "--until", "1970-01-02")
    assert len(one.read_bytes().splitlines()) == 1


def test_nothing_recorded_is_an_empty_file(tmp_path: Path) -> None:
    open_to_write(tmp_path / "l.db").close()
    assert exported(tmp_path / "l.db", "out.jsonl").read_bytes() == b""
    assert parquet.read_table(exported(tmp_path / "l.db", "out.parquet")).num_rows == 0


@pytest.mark.parametrize(("name", "said"), [("out.csv", ".jsonl or .parquet"), ("missing/out.jsonl", "No such file")])
def test_what_cannot_be_written_is_said_in_one_line(
    ledger: Path, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["ledger", "export", str(ledger.parent / name), "--ledger", str(ledger)]) == 2
    line = capsys.readouterr().err
    assert said in line and line.startswith("ledger: ") and line.count("\n") == 1


FULL = """
import resource, sys
from gateway.cli import main
_, most = resource.getrlimit(resource.RLIMIT_FSIZE)
resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, most))
code = main(sys.argv[1:])
resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))
sys.exit(code)
"""
WITHOUT = """
import sys
sys.modules["pyarrow"] = None
from gateway.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("code", "name", "said"), [(FULL, "out.jsonl", "File too large"), (WITHOUT, "out.parquet", "cloverleaf[parquet]")]
)
def test_a_full_disk_or_a_missing_library_leaves_nothing(ledger: Path, code: str, name: str, said: str) -> None:
    path = ledger.parent / name
    path.write_text("of yesterday")
    writer = open_to_write(ledger)
    insert(writer, [values(0.0, answered(number), PRICE) for number in range(300)])
    writer.close()
    command = [sys.executable, "-c", code, "ledger", "export", str(path), "--ledger", str(ledger)]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert ran.returncode == 2 and said in ran.stderr and "Traceback" not in ran.stderr
    assert path.read_text() == "of yesterday" and not list(ledger.parent.glob(".*.part"))
