"""`cloverleaf simulate`: its flags, its three outputs, and exit 2 with one clear line."""

from pathlib import Path

import msgspec
import pytest

from gateway.cli import main
from tests.gateway.simulate.world import POOL, ROOT

SPEC = "lasts: 20s\nrate: 4\nblock: 16\ngroups: [{name: a, prefixes: 3, prefix_tokens: 320, prompt_tokens: 100}]\n"
KEYS = {
    "requests", "completed", "rejected", "errors", "hit_rate", "ttft", "tpot", "goodput", "cost_usd", "cloud_usd",
    "spill_share",
}  # fmt: skip


@pytest.fixture
def given(tmp_path: Path) -> list[str]:
    (tmp_path / "config.yaml").write_text(POOL)
    (tmp_path / "trace.yaml").write_text(SPEC)
    return ["simulate", str(tmp_path / "config.yaml"), "--trace", str(tmp_path / "trace.yaml")]


def test_json_has_exactly_the_documented_keys(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*given, "--policy", "prefix", "--policy", "cache_aware", "--replicas", "3", "--json"]) == 0
    results = msgspec.json.decode(capsys.readouterr().out)
    assert list(results) == ["prefix", "cache_aware"]
    for result in results.values():
        assert set(result) == KEYS
        assert set(result["ttft"]) == set(result["tpot"]) == {"p50", "p90", "p99"}
        assert result["requests"] == result["completed"] > 50
        assert 0 < result["hit_rate"] < 1


def test_the_table_has_a_column_for_each_policy(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*given, "--policy", "order", "--policy", "least_busy"]) == 0
    shown = capsys.readouterr().out
    for word in ("order", "least_busy", "TTFT p90, s", "goodput", "blocks cached"):
        assert word in shown


def test_without_a_policy_the_models_own_is_played(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main([*given, "--json"]) == 0
    assert list(msgspec.json.decode(capsys.readouterr().out)) == ["least_busy"]


def test_a_policy_of_the_configuration_keeps_its_name(
    tmp_path: Path, given: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "config.yaml"
    path.write_text(path.read_text() + "policies: {mine: {kind: round_robin}}\n")
    assert main([*given, "--policy", "mine", "--json"]) == 0
    assert list(msgspec.json.decode(capsys.readouterr().out)) == ["mine"]


def test_the_page_holds_everything_itself(tmp_path: Path, given: list[str]) -> None:
    path = tmp_path / "page.html"
    assert main([*given, "--policy", "order", "--policy", "prefix", "--html", str(path)]) == 0
    page = path.read_text()
    assert page.count("<svg") == page.count("</svg>") == 6
    assert "<script" not in page
    assert "http" not in page
    assert "nan" not in page.lower()


def test_the_quickstart_can_be_simulated(given: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    given[1] = str(ROOT / "config" / "quickstart.yaml")
    assert main([*given, "--json"]) == 0
    result = msgspec.json.decode(capsys.readouterr().out)["order"]
    assert result["spill_share"] == 0


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--policy", "prefiks"], 'the policy "prefiks" is not defined; did you mean "prefix"?'),
        (["--model", "mm"], 'the model "mm" is not defined'),
        (["--rate", "0"], "--rate must be more than 0"),
        (["--replicas", "-1"], "--replicas must be more than 0"),
        (["--kv-tokens", "3"], "num_blocks must be at least 1"),
        (["--trace", "nowhere.jsonl"], "No such file"),
        (["--trace", "nowhere.xyz"], "the name of a trace must end in"),
    ],
)
def test_bad_input_is_one_line_and_exit_2(
    given: list[str], more: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*given, *more]) == 2
    err = capsys.readouterr().err
    assert said in err
    assert "Traceback" not in err
