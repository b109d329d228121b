"""Metrics: what is kept in batches is counted to the last outcome whenever somebody asks."""

import pytest

from gateway.live import Live
from gateway.metrics import BATCH, Metrics
from policies.failure import Failure, Fault
from policies.types import Outcome, Usage


def text(metrics: Metrics) -> list[str]:
    return metrics.text(Live(), 0.0, 0, 0).splitlines()


def outcome(model: str, fault: Fault | None = None) -> Outcome:
    return Outcome(
        b"id", "chat", 10.0, model, stream=True, deployment="d", endpoint="e", status=200, fault=fault,
        usage=Usage(20, 5, 8, "upstream"), first_token=10.5, finished=12.0, waited=0.25, policy="p", rung="scraped",
    )  # fmt: skip


@pytest.mark.parametrize("count", [1, BATCH - 1, BATCH, BATCH + 1, 3 * BATCH])
def test_every_outcome_is_counted_once_however_many_and_however_often_one_asks(count: int) -> None:
    metrics = Metrics()
    for _ in range(count):
        metrics.record(outcome("m"))
        metrics.attempt((("d", "e"), "chat", None))
    for _ in range(2):
        lines = text(metrics)
        labels = 'family="chat",gen_ai_request_model="m",deployment="d"'
        assert f'cloverleaf_requests_total{{{labels},status="200",failure=""}} {count}' in lines
        assert f"gen_ai_client_operation_duration_seconds_count{{{labels}}} {count}" in lines
        assert f"gen_ai_client_operation_duration_seconds_sum{{{labels}}} {2.0 * count:.9g}" in lines
        assert f"gen_ai_server_time_to_first_token_seconds_sum{{{labels}}} {0.5 * count:.9g}" in lines
        assert f"cloverleaf_overhead_seconds_sum{{{labels}}} {0.25 * count:.9g}" in lines
        assert f'cloverleaf_decisions_total{{{labels},policy="p",rung="scraped",reason="first"}} {count}' in lines
        assert f"cloverleaf_cached_tokens_total{{{labels}}} {8 * count}" in lines
        assert f'gen_ai_client_token_usage_sum{{{labels},gen_ai_token_type="input"}} {20 * count}' in lines
        attempts = 'deployment="d",endpoint="e",family="chat",result="ok"'
        assert f"cloverleaf_attempts_total{{{attempts}}} {count}" in lines


def test_outcomes_of_one_batch_go_to_the_series_of_their_own() -> None:
    metrics = Metrics()
    for model, fault in (("m", None), ("n", Fault(Failure.BROKEN_STREAM, "cut")), ("m", None)):
        metrics.record(outcome(model, fault))
    lines = text(metrics)
    for model, failure, count in (("m", "", 2), ("n", "BROKEN_STREAM", 1)):
        labels = f'family="chat",gen_ai_request_model="{model}",deployment="d"'
        assert f'cloverleaf_requests_total{{{labels},status="200",failure="{failure}"}} {count}' in lines
