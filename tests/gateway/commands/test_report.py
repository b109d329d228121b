"""`cloverleaf report`: a week of ours, and proof before switching; what is wrong is one line."""

from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.cli import main
from tests.gateway.history.rows import CONFIG, START, day, ledger, made
from tests.gateway.history.test_from_records import EMBEDDING, FIRST, HEADER


def spend_logs(path: Path, count: int = 300, gap: int = 4) -> Path:
    """An hour and more of streamed answers at 0.15 in and 0.60 out."""
    lines = [HEADER, EMBEDDING]
    for n in range(count):
        prompt, output, at = 200 + 37 * n % 3000, 20 + 53 * n % 300, n * gap
        clock = f"2026-11-20 {10 + at // 3600}:{at // 60 % 60:02}:{at % 60:02}"
        row = FIRST.replace("1500,1000,500", f"{prompt + output},{prompt},{output}")
        row = row.replace("2026-11-20 10:00:00.500", f"{clock}.500").replace("2026-11-20 10:00:00.000", f"{clock}.000")
        row = row.replace("2026-11-20 10:00:06.500", f"{clock}.900").replace(
            "0.002", f"{(0.15 * prompt + 0.6 * output) / 1e6:.9f}"
        )
        lines.append(row)
    path.write_text("".join(lines))
    return path


def asked(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, Any]:
    assert main(["report", "--json", *args]) == 0
    found: dict[str, Any] = msgspec.json.decode(capsys.readouterr().out)
    return found


def test_another_gateways_history_becomes_pools_with_error_bars(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = asked(capsys, "--from", str(spend_logs(tmp_path / "logs.csv")), "--speed", "1", "--gpu-cost", "1.5")
    was = found["was"]
    assert was["requests"] == 300 and was["price"] == [pytest.approx(0.15, rel=1e-3), pytest.approx(0.6, rel=1e-3)]
    assert was["all_cloud"] == pytest.approx(was["usd"], rel=1e-3) and was["first_p50"] == pytest.approx(0.5)
    (kind,), sizes = found["sizing"]["kinds"], found["sizing"]["sizes"]
    assert kind["alone"] == 1 and 0 < kind["busy"] < 1
    for size in sizes:
        total = size["total_usd"]
        assert size["pool_usd"] == 1.5 * size["gpus"] and total["low"] <= total["value"] <= total["high"]
        assert size["in_time"]["value"] > 0.95
    assert found["left_out"] == {"aembedding calls": 1} and any("cache hits" in each for each in found["unknown"])


def test_a_pool_that_is_too_small_buys_the_rest(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = spend_logs(tmp_path / "logs.csv", 150, 1)
    found = asked(capsys, "--from", str(path), "--speed", "0.02", "--speed", "1", "--price", "1,2")
    slow, quick = (
        [size for size in found["sizing"]["sizes"] if size["speed"] == speed and size["gpus"] == 1]
        for speed in (0.02, 1.0)
    )
    assert slow[0]["spilled"]["value"] > 0.3 > 0.05 > quick[0]["spilled"]["value"]
    assert slow[0]["total_usd"]["value"] > quick[0]["total_usd"]["value"]
    assert found["sizing"]["kinds"][0]["busy"] > 20 * found["sizing"]["kinds"][1]["busy"]


def test_the_same_seed_gives_the_same_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    args = ("--from", str(spend_logs(tmp_path / "logs.csv", 60)), "--speed", "1")
    assert asked(capsys, *args) == asked(capsys, *args)


def test_a_person_gets_sentences(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["report", "--from", str(spend_logs(tmp_path / "logs.csv", 300))]) == 0
    text = " ".join(capsys.readouterr().out.split())
    for said in (
        "300 requests",
        "1 carries it",
        "than the cloud for everything",
        "Not known:",
        "left out: 1 aembedding calls",
    ):
        assert said in text


def test_our_own_configuration_is_sized(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "c.yaml").write_text(CONFIG.replace("policy: order", "policy: cheap"))
    found = asked(capsys, str(tmp_path / "c.yaml"), "--from", str(day(tmp_path / "l.db", 120)), "--speed", "1")
    assert found["slo"] == [1.0, 0.1, 0.08] and {size["gpus"] for size in found["sizing"]["sizes"]} == {1, 2}


def test_a_week_says_where_the_money_went_and_who_drags(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rows = [made(n, START + 5 * n, endpoint="http://slow" if n % 4 == 0 else "http://a") for n in range(200)]
    rows = [msgspec.structs.replace(row, first_token=1.5 if row.endpoint == "http://slow" else 0.2) for row in rows]
    found = asked(capsys, "--ledger", str(ledger(tmp_path / "l.db", rows)))
    worst = found["tails"][0]
    assert worst["endpoint"] == "http://slow" and worst["p95"] == 1.5 and worst["share"] == 0.25
    assert found["changes"] is None and any("name the CONFIG" in each for each in found["unknown"])
    assert sum(group["requests"] for group in found["money"]["key"]) == 200


def test_a_week_says_what_another_policy_would_have_saved(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The cloud first, though the pool stands idle: asking the pool first saves what the cloud took."""
    (tmp_path / "c.yaml").write_text(CONFIG.replace("[gpu, cloud]", "[cloud, gpu]"))
    day(tmp_path / "l.db", 300, cloud=1.0)
    assert main(["report", str(tmp_path / "c.yaml"), "--ledger", str(tmp_path / "l.db")]) == 0
    text = " ".join(capsys.readouterr().out.split())
    assert "would save most: USD" in text and "for m" in text
    found = asked(capsys, str(tmp_path / "c.yaml"), "--ledger", str(tmp_path / "l.db"))
    best = found["changes"][0]
    assert best["policy"] in ("lowest_cost", "cheap") and best["saves"]["low"] > 0


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--from", "none.csv"], "No such file"),
        (["--from", "logs.xlsx"], "a history ends in .csv, .jsonl, .json or .db"),
        (["--from", "bad.csv"], "bad.csv:2: startTime: 'soon' is not a time"),
        (["--from", "logs.csv", "--columns", "time=a"], "--columns: prompt, output missing"),
        (["--from", "logs.csv", "--price", "cheap"], "is not IN,OUT"),
        (["--from", "logs.csv", "--speed", "0"], "--speed must be more than 0"),
        (["--from", "logs.csv", "--model", "gpt-4o-min"], 'did you mean "gpt-4o-mini"?'),
        (["--from", "free.csv"], "say --price IN,OUT"),
        (["--from", "logs.csv", "--until", "2020-01-01"], "no request in those days"),
        (["--ledger", "none.db"], "none.db does not exist"),
        (["none.yaml"], "none.yaml"),
    ],
)
def test_what_is_wrong_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], args: list[str], said: str
) -> None:
    monkeypatch.chdir(tmp_path)
    spend_logs(tmp_path / "logs.csv", 5)
    (tmp_path / "bad.csv").write_text(HEADER + FIRST.replace("2026-11-20 10:00:00.000", "soon"))
    (tmp_path / "free.csv").write_text(HEADER + FIRST.replace("0.002", "0.0"))
    assert main(["report", *args]) == 2
    err = capsys.readouterr().err
    assert said in err and err.count("\n") == 1
