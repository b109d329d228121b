"""`simulate --from-ledger` plays what was recorded under other policies, and says what it cannot know."""

from pathlib import Path

import msgspec
import pytest

from gateway.cli import main
from tests.gateway.history.rows import CONFIG, START, day, ledger, made


def played(tmp_path: Path, *args: str) -> int:
    (tmp_path / "c.yaml").write_text(CONFIG)
    return main(["simulate", str(tmp_path / "c.yaml"), "--from-ledger", str(tmp_path / "l.db"), *args])


def test_the_past_stands_beside_what_would_have_been(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day(tmp_path / "l.db")
    assert played(tmp_path, "--policy", "order", "--policy", "cheap", "--json") == 0
    out, err = capsys.readouterr()
    found = msgspec.json.decode(out)
    assert list(found) == ["recorded", "order", "cheap"]
    past, same = found["recorded"], found["order"]
    assert past["requests"] == same["requests"] == 400 and past["cloud_usd"] > 0 == same["cloud_usd"]
    assert 0.15 < past["spill_share"] < 0.35 and same["spill_share"] == 0
    assert same["tpot"]["p50"] == pytest.approx(past["tpot"]["p50"], rel=0.15), "the pool is as fast as it was"
    for caveat in (
        "send their next one at another time",
        "no cache hits are simulated",
        "compare simulated with simulated",
    ):
        assert caveat in err


def test_a_person_gets_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    day(tmp_path / "l.db", 60)
    assert played(tmp_path) == 0
    out, err = capsys.readouterr()
    assert "recorded" in out and "cost, USD" in out and "fewer than 50 streamed answers of clouds" in err


def test_days_can_be_cut_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    ledger(tmp_path / "l.db", [made(n, START + 86_400 * n) for n in range(3)])
    assert played(tmp_path, "--json", "--since", "2025-11-25", "--until", "2025-11-25") == 0
    assert msgspec.json.decode(capsys.readouterr().out)["recorded"]["requests"] == 1


@pytest.mark.parametrize(
    ("rows", "said"), [([], "no request of the model"), ([made(1, START, model="mm")], 'of mm; did you mean "mm"?')]
)
def test_nothing_to_play_is_said_in_one_line(
    tmp_path: Path, rows: list[object], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    ledger(tmp_path / "l.db", rows)  # type: ignore[arg-type]
    assert played(tmp_path) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1


def test_no_ledger_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert played(tmp_path) == 2
    assert "l.db does not exist" in capsys.readouterr().err
