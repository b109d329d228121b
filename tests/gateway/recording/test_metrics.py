"""Metrics: what is kept in batches is counted to the last outcome whenever somebody asks."""

import pytest

from gateway.recording.metrics import BATCH, Metrics
from gateway.reporting.telemetry import prometheus
from gateway.reporting.telemetry.readings import counted, requests
from policies.attempts.attempt_record import AttemptRecord
from policies.attempts.outcome import Outcome
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import AttemptCost, Price, Usage
from tests.e2e.exposition import read
from tests.outcome import filled

LABELS = (
    'gen_ai_operation_name="chat",family="chat",gen_ai_request_model="{}",gen_ai_provider_name="vllm",deployment="d"'
)


def told(metrics: Metrics) -> dict[str, float]:
    metrics.fold()
    return read(prometheus.text([*requests(metrics, {"d": "vllm"}), *counted(metrics)]))


def outcome(model: str, fault: Fault | None = None, **changes: object) -> Outcome:
    given = {
        "stream": True, "deployment": "d", "endpoint": "e", "status": 200, "usage": Usage(20, 5, 8, "upstream"),
        "first_token": 10.5, "finished": 12.5, "waited": 0.25, "policy": "order", "attempts": 1, "key": "k",
    }  # fmt: skip
    return filled(b"id", "chat", 10.0, model=model, fault=fault, **{**given, **changes})


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH])
def test_every_outcome_is_counted_once_however_many_and_however_often_one_asks(count: int) -> None:
    metrics = Metrics(lambda _: Price(1.0, 2.0, 0.5))
    for _ in range(count):
        metrics.record(outcome("m"))
        metrics.attempt((("d", "e"), "chat", None))
    of = 'gen_ai_request_model="m",deployment="d",key="k"'
    for _ in range(2):
        series, labels = told(metrics), LABELS.format("m")
        assert series[f'cloverleaf_requests_total{{{labels},status="200",failure="",caused_by=""}}'] == count
        assert series[f'gen_ai_client_operation_duration_seconds_count{{{labels},error_type=""}}'] == count
        assert series[f'gen_ai_client_operation_duration_seconds_sum{{{labels},error_type=""}}'] == 2.5 * count
        assert series[f"gen_ai_server_time_to_first_token_seconds_sum{{{labels}}}"] == 0.5 * count
        assert series[f"gen_ai_server_time_per_output_token_seconds_sum{{{labels}}}"] == 0.5 * count
        assert series[f"cloverleaf_overhead_seconds_sum{{{labels}}}"] == 0.25 * count
        assert series[f'gen_ai_client_token_usage_sum{{{labels},gen_ai_token_type="input"}}'] == 20 * count
        for kind, tokens in (("input", 20), ("cached_input", 8), ("output", 5), ("reasoning", 0)):
            labels = f'{of},gen_ai_token_type="{kind}",source="upstream"'
            assert series[f"cloverleaf_tokens_total{{{labels}}}"] == tokens * count
        assert series[f'cloverleaf_cost_usd_total{{{of},source="upstream"}}'] == pytest.approx(26e-6 * count)
        attempts = 'deployment="d",endpoint="e",family="chat",result="ok"'
        assert series[f"cloverleaf_attempts_total{{{attempts}}}"] == count
        decisions = 'gen_ai_request_model="m",policy="order",signal="",reason="first"'
        assert series[f"cloverleaf_decisions_total{{{decisions}}}"] == count


def test_outcomes_of_one_batch_go_to_the_series_of_their_own() -> None:
    metrics = Metrics()
    for model, fault in (("m", None), ("n", Fault(Failure.BROKEN_STREAM, "cut")), ("m", None)):
        metrics.record(outcome(model, fault))
    series = told(metrics)
    for model, failure, who, count in (("m", "", "", 2), ("n", "BROKEN_STREAM", "upstream", 1)):
        labels = f'{LABELS.format(model)},status="200",failure="{failure}",caused_by="{who}"'
        assert series[f"cloverleaf_requests_total{{{labels}}}"] == count
    assert (
        series[f'gen_ai_client_operation_duration_seconds_count{{{LABELS.format("n")},error_type="broken_stream"}}']
        == 1
    )


def tried(deployment: str, began: float, end: str, reason: str) -> AttemptRecord:
    return AttemptRecord(deployment, "e", began, began + 1.0, end, reason, "scraped")


def test_each_further_attempt_is_a_retry_or_a_fallback_and_says_after_what() -> None:
    metrics = Metrics()
    tries = (tried("a", 10.0, "overloaded", "first"), tried("a", 11.0, "unreachable", "retry"))
    metrics.record(outcome("m", attempts=3, tries=tries, reason="fallback", signal="in_flight"))
    metrics.fold()
    assert metrics.retries == {("a", "overloaded"): 1}
    assert metrics.fallbacks == {("a", "d", "unreachable"): 1}
    assert metrics.decisions == {
        ("m", "order", "scraped", "first"): 1,
        ("m", "order", "scraped", "retry"): 1,
        ("m", "order", "in_flight", "fallback"): 1,
    }


def test_a_hedge_is_counted_once_and_its_loser_pays_where_it_ran() -> None:
    metrics = Metrics(lambda name: Price(1.0, 1.0) if name == "d" else None)
    loser = AttemptCost("slow", "e", Usage(20, 0, 0, "estimated"), "cancelled", 0.5)
    tries = (tried("slow", 10.0, "cancelled", "first"),)
    metrics.record(outcome("m", attempts=2, tries=tries, reason="hedge", hedged="won", spent=(loser,)))
    metrics.fold()
    assert metrics.hedges == {("m", "won"): 1}
    assert metrics.retries == metrics.fallbacks == metrics.unpriced == {}
    assert metrics.accounts["m", "slow", "k", "estimated"].usd == 0.5
    assert metrics.accounts["m", "d", "k", "upstream"].usd == pytest.approx(25e-6)


def test_tokens_without_a_price_are_counted_as_that_and_not_as_free() -> None:
    metrics = Metrics()
    metrics.record(outcome("m"))
    assert told(metrics)['cloverleaf_unpriced_total{deployment="d"}'] == 1


def test_what_was_refused_or_found_no_place_has_labels_too() -> None:
    metrics = Metrics()
    refused = {"deployment": "", "first_token": 0.0, "usage": Usage(), "attempts": 0}
    metrics.record(outcome("", status=404, policy="", **refused))
    metrics.record(outcome("m", Fault(Failure.NO_ENDPOINT, "none"), status=503, **refused))
    series = told(metrics)
    labels = LABELS.replace('"vllm"', '"none"').replace('deployment="d"', 'deployment="none"')
    assert (
        series[f'cloverleaf_requests_total{{{labels.format("other")},status="404",failure="",caused_by="client"}}'] == 1
    )
    assert (
        series[f'cloverleaf_requests_total{{{labels.format("m")},status="503",failure="NO_ENDPOINT",caused_by="us"}}']
        == 1
    )
    assert metrics.decisions == {("m", "order", "", "no_place"): 1}
