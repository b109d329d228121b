"""`cloverleaf cost` adds up what a running gateway recorded, to the token; unknown prices and estimates stay apart."""

import asyncio
from pathlib import Path

import httpx
import msgspec
import pytest

from backends.engine.server import Engine, EngineOptions
from gateway.cli import main
from gateway.ledger.database import insert, open_to_write
from gateway.ledger.entry import values
from policies.vocabulary.types import Usage
from tests.contracts.serving import running
from tests.gateway.ledger.outcomes import PRICE, answered, failed

CONFIG = """
deployments:
  gpu: {{provider: vllm, model: tiny, endpoints: ["{url}"]}}
  cloud: {{provider: openai_compatible, model: tiny, base_url: "{url}/v1", api_key: sk-canary-upstream,
           price: {{input: 1, output: 2}}}}
models: {{own: {{deployments: [gpu]}}, far: {{deployments: [cloud]}}}}
auth: {{keys: [{{name: a, key: sk-canary-client}}]}}
telemetry: {{ledger: "{path}"}}
"""


def recorded(path: Path) -> None:
    ledger = open_to_write(path)
    outcomes = [
        (0.0, answered(0), PRICE),
        (1.0, answered(1, deployment="other", key="b"), None),
        (90_000.0, answered(2, usage=Usage(10, 20, 0, "estimated")), PRICE),
        (90_001.0, failed(3), PRICE),
    ]
    insert(ledger, [values(*each) for each in outcomes])
    ledger.close()


def asked(capsys: pytest.CaptureFixture[str], *args: str) -> dict[str, object]:
    assert main(["cost", "--json", *args]) == 0
    found: dict[str, object] = msgspec.json.decode(capsys.readouterr().out)
    return found


def test_groups_add_up_to_the_total(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path / "l.db")
    for by in ("model", "deployment", "key", "day"):
        found = asked(capsys, "--by", by, "--ledger", str(tmp_path / "l.db"))
        for name, total in found["total"].items():
            if name != "group":
                assert sum(group[name] for group in found["groups"]) == pytest.approx(total), (by, name)


def test_estimates_and_unknown_prices_stay_apart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path / "l.db")
    found = asked(capsys, "--by", "deployment", "--ledger", str(tmp_path / "l.db"))
    pool, other = found["groups"]
    assert pool["cost_usd"] == pytest.approx(0.0018) and pool["estimated_cost_usd"] == pytest.approx(0.00005)
    assert (pool["prompt_tokens"], pool["estimated_prompt_tokens"], pool["failed"]) == (1000, 10, 1)
    assert (other["unpriced"], other["cost_usd"]) == (1, 0)


def test_days_can_be_cut_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path / "l.db")
    path = str(tmp_path / "l.db")
    assert [group["group"] for group in asked(capsys, "--by", "day", "--ledger", path)["groups"]] == [
        "1970-01-01",
        "1970-01-02",
    ]
    second = asked(capsys, "--by", "day", "--ledger", path, "--since", "1970-01-02", "--until", "1970-01-02")
    assert second["total"]["requests"] == 2


def test_a_person_gets_a_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    recorded(tmp_path / "l.db")
    assert main(["cost", "--ledger", str(tmp_path / "l.db")]) == 0
    text = capsys.readouterr().out
    assert "Cost by deployment" in text and "pool" in text and "in all" in text


def test_no_ledger_is_said_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cost", "--ledger", str(tmp_path / "none.db")]) == 2
    said = capsys.readouterr().err
    assert said.startswith("cost: ") and "none.db" in said and said.count("\n") == 1


async def test_the_sum_is_what_the_upstreams_reported(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engine, path = Engine(EngineOptions(model="tiny")), tmp_path / "l.db"
    url = await engine.start("127.0.0.1", 0)
    usages = []
    async with running(CONFIG.format(url=url, path=path)) as gateway, httpx.AsyncClient(timeout=60) as http:

        async def ask(number: int) -> None:
            body = {"model": ("own", "far")[number % 2], "max_tokens": 5 + number, "stream": number % 3 == 0}
            body |= {"messages": [{"role": "user", "content": "word " * (number + 1)}]}
            body |= {"stream_options": {"include_usage": True}} if body["stream"] else {}
            headers = {"authorization": "Bearer sk-canary-client"}
            answer = await http.post(f"{gateway.url}/v1/chat/completions", json=body, headers=headers)
            assert answer.status_code == 200
            lines = answer.text.split("data: ")
            usages.append(msgspec.json.decode(lines[-2] if body["stream"] else answer.content)["usage"])

        await asyncio.gather(*(ask(number) for number in range(20)))
    await engine.stop()

    found = await asyncio.to_thread(asked, capsys, "--by", "model", "--ledger", str(path))
    assert found["total"]["requests"] == 20
    for kind in ("prompt_tokens", "completion_tokens"):
        assert found["total"][kind] == sum(usage[kind] for usage in usages)
    assert found["total"]["cost_usd"] > 0 and {group["group"]: group["unpriced"] for group in found["groups"]} == {
        "far": 0,
        "own": 10,
    }
    assert b"canary" not in path.read_bytes()
