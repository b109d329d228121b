"""`cloverleaf explain`: the decision of a configuration, a request and a saved state, as a table and as JSON."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gateway import clock
from gateway.catalog.keys import LOCAL
from gateway.commands.explain import add_arguments, decide, run
from gateway.config import load
from gateway.proxy import model_resolution as asking
from gateway.reporting.report import Report
from gateway.state.checkpoint import snapshot
from policies.selection.explain import Decision, explain
from policies.selection.model import Snapshot
from policies.vocabulary.types import Request
from tests.contracts.client import chat, connected
from tests.contracts.serving import running
from tests.facts import facts

CONFIG = """
auth: {keys: [{name: night, key: key-n}]}
deployments:
  pool: {provider: vllm, model: m, endpoints: ["http://gpu-1:8000", "http://gpu-2:8000"]}
  cloud: {provider: openai_compatible, model: m, base_url: "http://cloud.example/v1", price: {input: 1, output: 2}}
models:
  m: {deployments: [pool, cloud]}
  c: {deployments: [[pool, cloud]], policy: lowest_cost}
  q: {deployments: [pool, cloud], policy: quality}
routes:
  - {name: nightly, match: {key: night}, to: {model: c}}
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


def test_it_can_be_read_in_a_narrow_terminal(said: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """No heading and no address is cut: figures stand below the choice, by the same numbers."""
    monkeypatch.setenv("COLUMNS", "100")
    _, out, _ = said({"model": "c"})
    assert "…" not in out and max(map(len, out.splitlines())) <= 100
    for section, heading in (("scores", "least_busy"), ("known", "cost_usd")):
        lines = out.split(f"\n{section}\n")[1].splitlines()
        assert heading in lines[0] and [line[0] for line in lines[:4]] == ["#", "1", "2", "3"]


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


def test_a_judged_prompt_says_how_hard_it_is_and_from_what_on(said: Any) -> None:
    body = {"model": "q", "messages": [{"role": "user", "content": "Prove it and explain why."}]}
    _, out, _ = said(body)
    assert "(hard above 0.500)" in out


def test_whose_request_it_is_may_be_said(said: Any) -> None:
    _, out, _ = said({"model": "m"}, "--key", "night")
    assert "route nightly" in out
    code, _, error = said({"model": "m"}, "--key", "nigt")
    assert code == 2 and 'did you mean "night"?' in error


async def test_a_saved_state_is_the_live_routers_own(tmp_path: Path) -> None:
    """What the running gateway would decide is what is explained from its state: learned, counted, cooled, timed."""
    text = """
deployments:
  a: {provider: embedded, model: m, replicas: 2}
  b: {provider: embedded, model: m, price: {input: 1, output: 2}}
models: {m: {deployments: [a, b], policy: in-time}, q: {deployments: [a, b], policy: quality}}
policies: {in-time: {kind: slo_cost, slo: {ttft: 800ms, tpot: 50ms}}}
"""
    async with running(text) as gateway, connected(gateway.port) as client:
        for n in range(30):
            await client.ask(chat("mq"[n % 2], stream=True, max_tokens=20))
        live, catalog = gateway.gateway.live, gateway.gateway.catalog
        now = clock.now()
        live.endpoints.by_deployment["b"][0].domain.cooled_until = now + 5
        made = gateway.app.monitor.report()
        made.state = snapshot(live, now)
        own: dict[str, Decision] = {}
        for name in "mq":
            body, model = asked(name), catalog.models[name]
            request = Request("chat", name, True, live.estimates.estimate(name, len(body)), now, 7)
            request = asking.filled(request, facts(body), model, LOCAL, {}, live)
            own[name] = explain(request, model, Snapshot(now, catalog.models, live.endpoints.tiers))
    state = msgspec.json.decode(msgspec.json.encode(made), type=Report)
    (tmp_path / "c.yaml").write_text(text)
    for name in "mq":
        assert decide(load(tmp_path / "c.yaml"), "chat", asked(name), state, 7, {}).decision == own[name]
    assert own["m"].signal == "predicted" and own["m"].considered[-1].refused_by == "healthy", "it cools"
    assert own["q"].threshold not in (None, 0.5)


def asked(model: str) -> bytes:
    return msgspec.json.encode({"model": model, "stream": True, "messages": [{"role": "user", "content": "Hello"}]})


@pytest.mark.parametrize("state", ["!", "AAAA", ""])
def test_a_broken_state_is_told(said: Any, tmp_path: Path, state: str) -> None:
    report = {"version": "0", "uptime": 1, "ready": True, "reason": "", "active": 0, "models": {}, "deployments": []}
    (tmp_path / "s.json").write_bytes(msgspec.json.encode({**report, "state": state}))
    code, _, error = said({"model": "m"}, "--state", str(tmp_path / "s.json"))
    assert code == 2 and error.startswith("explain: ")
