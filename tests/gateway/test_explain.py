"""`cloverleaf explain`: the decision of a configuration, a request and a saved state, as a table and as JSON."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway.explain import add_arguments, run

CONFIG = """
deployments:
  pool: {provider: vllm, model: m, endpoints: ["http://gpu-1:8000", "http://gpu-2:8000"]}
  cloud: {provider: openai_compatible, model: m, base_url: "http://cloud.example/v1", price: {input: 1, output: 2}}
models:
  m: {deployments: [pool, cloud]}
  c: {deployments: [[pool, cloud]], policy: lowest_cost}
  q: {deployments: [pool, cloud], policy: quality}
routes:
  - {name: gold, match: {headers: {x-tier: gold}}, to: {model: c}, mirror: {model: m}}
"""


@pytest.fixture
def said(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("COLUMNS", "300")
    (tmp_path / "c.yaml").write_text(CONFIG)

    def explain(body: dict[str, object], *arguments: str) -> tuple[int, str, str]:
        (tmp_path / "r.json").write_bytes(msgspec.json.encode({"messages": [], **body}))
        parser = ArgumentParser()
        add_arguments(parser)
        code = run(parser.parse_args([str(tmp_path / "c.yaml"), str(tmp_path / "r.json"), *arguments]))
        printed = capsys.readouterr()
        return code, printed.out, printed.err

    return explain


def test_a_table_names_every_place_and_the_one_chosen(said: Any) -> None:
    code, out, _ = said({"model": "c"})
    assert code == 0
    rows = [line for line in out.splitlines() if "http://" in line]
    assert len(rows) == 3
    assert sum("chosen" in row and "not chosen" not in row for row in rows) == 1
    assert "lowest_cost" in out and "cost_usd" in out and "propensity" in out


def test_json_has_the_whole_record(said: Any) -> None:
    _, out, _ = said({"model": "c"}, "--json", "--seed", "7")
    decision = msgspec.json.decode(out)["decision"]
    assert decision["seed"] == 7
    assert sum(row["propensity"] for row in decision["considered"]) == pytest.approx(1.0)
    assert {kind for row in decision["considered"] for kind in row["scores"]} == {"cost", "least_busy"}


def test_a_route_is_taken_and_told(said: Any) -> None:
    _, out, _ = said({"model": "m"}, "--header", "X-Tier: gold")
    assert "route gold, with a copy to m" in out and "lowest_cost" in out


def test_steering_narrows_the_places(said: Any) -> None:
    _, out, _ = said({"model": "m", "provider": {"only": ["cloud"]}}, "--json")
    assert {row["deployment"] for row in msgspec.json.decode(out)["decision"]["considered"]} == {"cloud"}


def test_a_saved_state_counts(said: Any, tmp_path: Path) -> None:
    endpoints = [endpoint("http://gpu-1:8000", up=False), endpoint("http://gpu-2:8000", in_flight=3)]
    pool = {"name": "pool", "provider": "vllm", "model": "m", "endpoints": endpoints}
    report = {
        "version": "0",
        "uptime": 1,
        "ready": True,
        "reason": "",
        "active": 0,
        "models": {},
        "deployments": [pool],
    }
    (tmp_path / "s.json").write_bytes(msgspec.json.encode(report))
    _, out, _ = said({"model": "m"}, "--json", "--state", str(tmp_path / "s.json"))
    first, second = msgspec.json.decode(out)["decision"]["considered"]
    assert (first["refused_by"], second["chosen"], second["in_flight"]) == ("healthy", True, 3)


def endpoint(url: str, *, up: bool = True, in_flight: int = 0) -> dict[str, object]:
    unknown = dict.fromkeys(("running", "waiting", "kv_usage", "prefix_queries", "prefix_hits", "sleeping"))
    return {
        "url": url,
        "up": up,
        "in_flight": in_flight,
        "in_flight_tokens": 0,
        "cooling": 0,
        "breakers": {},
        **unknown,
    }


@pytest.mark.parametrize(
    ("body", "word"),
    [
        ({"model": "nothing"}, "does not exist"),
        ({"model": 5}, "model"),
        ({"model": "m", "provider": {"x": 1}}, "provider"),
    ],
)
def test_what_cannot_be_explained_is_said_with_exit_2(said: Any, body: dict[str, object], word: str) -> None:
    code, out, err = said(body)
    assert (code, out) == (2, "")
    assert word in err


def test_a_judged_prompt_says_how_hard_it_is_and_from_what_on_by_a_saved_state(said: Any, tmp_path: Path) -> None:
    state = {"version": "0", "uptime": 1, "ready": True, "reason": "", "active": 0, "models": {}, "deployments": []}
    body = {"model": "q", "messages": [{"role": "user", "content": "Prove it and explain why."}]}
    _, out, _ = said(body)
    assert "(hard above 0.500)" in out
    (tmp_path / "s.json").write_bytes(msgspec.json.encode({**state, "thresholds": {"q": 0.99}}))
    _, out, _ = said(body, "--json", "--state", str(tmp_path / "s.json"))
    decision = msgspec.json.decode(out)["decision"]
    assert 0.5 < decision["difficulty"] < decision["threshold"] == pytest.approx(0.99)
    assert {row["deployment"] for row in decision["considered"] if row["chosen"]} == {"pool"}
