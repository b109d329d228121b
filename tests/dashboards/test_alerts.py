"""Each alert fires where it should and keeps quiet where it should: series made up, rules evaluated by promtool."""

import subprocess
from pathlib import Path

import pytest
import yaml

from dashboards import rules
from dashboards.__main__ import HERE
from tests.dashboards.prometheus import NEEDED

pytestmark = NEEDED
MODEL = 'gen_ai_request_model="m"'
PLACE = 'deployment="d",endpoint="e"'
INFO = {'cloverleaf_info{version="1"}': "1x500"}


def requests(failed: int, client: int = 0) -> dict[str, str]:
    """Of 1,000 a minute, so many failed by our fault, and so many more by the clients' own."""
    counts = {"us": failed, "client": client, "": 1000 - failed}
    return {f'cloverleaf_requests_total{{{MODEL},caused_by="{who}"}}': f"0+{n}x500" for who, n in counts.items()} | INFO


def late(missed: int) -> dict[str, str]:
    return {
        f"cloverleaf_slo_answers_total{{{MODEL}}}": "0+100x500",
        f"cloverleaf_slo_misses_total{{{MODEL}}}": f"0+{missed}x500",
        f"cloverleaf_slo_allowed_ratio{{{MODEL}}}": "0.05x500",
    } | INFO


def spilled(share: int) -> dict[str, str]:
    return {
        f"cloverleaf_spillable_total{{{MODEL}}}": "0+100x500",
        f"cloverleaf_spilled_total{{{MODEL}}}": f"0+{share}x500",
    } | INFO


def kept(share: int, each: int = 100) -> dict[str, str]:
    of = 'deployment="d",quantity="first_token"'
    return {
        f"cloverleaf_predictions_total{{{of}}}": f"0+{each}x500",
        f"cloverleaf_predictions_kept_total{{{of}}}": f"0+{share * each / 100}x500",
    } | INFO


def steady(series: str, values: str) -> dict[str, str]:
    return {series: values} | INFO


def growing(counter: str) -> tuple[list[dict[str, str]], list[dict[str, str]]]:
    """It fires while the counter grows, and not where it stands."""
    return [steady(counter, "0+1x500")], [steady(counter, "7x500")]


UP = f"cloverleaf_endpoint_up{{{PLACE}}}"
BREAKER = f'cloverleaf_endpoint_breaker{{{PLACE},family="chat",state="open"}}'
CASES = {  # name: what makes it fire, and what does not
    "FailuresFast": ([requests(100)], [requests(50), requests(0, client=900)]),
    "FailuresSlow": ([requests(40)], [requests(20), requests(0, client=900)]),
    "LateFast": ([late(40)], [late(25)]),
    "LateSlow": ([late(15)], [late(8)]),
    "Spill": ([spilled(60)], [spilled(40)]),
    "EndpointDown": ([steady(UP, "0x500")], [steady(UP, "1x500")]),
    "BreakerOpen": ([steady(BREAKER, "1x500")], [steady(BREAKER, "0x500")]),
    "PredictionDrift": ([kept(80)], [kept(90), kept(80, each=1)]),
    "LedgerDrops": growing("cloverleaf_ledger_dropped_total"),
    "LogDrops": growing("cloverleaf_log_dropped_total"),
    "TracesDropped": (
        [steady("cloverleaf_traces_dropped_total", "0+1x500")],
        [steady("cloverleaf_traces_dropped_total", "0x350 5x150")],  # a burst is over by then
    ),
    "Queueing": ([steady("cloverleaf_queue_length", "3x500")], [steady("cloverleaf_queue_length", "0x500")]),
    "Absent": ([{}], [INFO]),
}  # fmt: skip


def firing(name: str, series: dict[str, str], count: int) -> dict[str, object]:
    """A test that after seven hours so many alerts of that name fire."""
    expr = f'count(ALERTS{{alertname="Cloverleaf{name}",alertstate="firing"}})'
    samples = [{"labels": "{}", "value": count}] if count else []
    return {
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [{"expr": expr, "eval_time": "7h", "exp_samples": samples}],
    }


def test_every_alert_has_a_case() -> None:
    assert {rule["alert"].removeprefix("Cloverleaf") for rule in rules.alerts()} == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_it_fires_where_it_should_and_nowhere_else(name: str, tmp_path: Path) -> None:
    bad, good = CASES[name]
    tests = [*(firing(name, series, 1) for series in bad), *(firing(name, series, 0) for series in good)]
    rule_file = str(HERE / "prometheus" / "rules.yaml")
    (tmp_path / "test.yaml").write_text(
        yaml.safe_dump({"rule_files": [rule_file], "evaluation_interval": "5m", "tests": tests})
    )
    told = subprocess.run(
        ("promtool", "test", "rules", str(tmp_path / "test.yaml")), capture_output=True, text=True, check=False
    )
    assert told.returncode == 0, told.stdout + told.stderr
