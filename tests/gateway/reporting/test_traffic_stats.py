"""Traffic. Rule: figures say what was counted, over the time it was counted in; nothing seen is not nothing."""

from collections import deque

import pytest

from gateway.proxy.context import RECENT
from gateway.recording.metrics import Metrics
from gateway.reporting.traffic_stats import LOOKED, SMOOTH, WINDOW, Dropped, TrafficStats, quantiles
from gateway.state.live_state import LiveState
from policies.attempts.outcome import Outcome
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import NO_USAGE
from tests.gateway.world import catalog, members, outcome

NONE = Dropped()
BROKEN = Fault(Failure.BROKEN_STREAM, "cut")
LEFT = Fault(Failure.CANCELLED, "left")


def traffic(*outcomes: Outcome) -> TrafficStats:
    """That has seen these since second 0."""
    metrics = Metrics()
    made = TrafficStats(metrics, LiveState().predictions, members(), deque(maxlen=RECENT), 0.0)
    for each in outcomes:
        metrics.record(each)
        made._recent.append(each)
    return made


def test_rates_shares_and_quantiles_are_by_deployment() -> None:
    seen = traffic(*[outcome(ttft=0.1 * n) for n in range(1, 10)], outcome("dear", ttft=0.5)).now(catalog(), NONE, 10.0)
    assert (seen.requests, seen.total.requests, seen.flows["pool"].requests) == (10, 1.0, pytest.approx(0.9))
    assert (seen.flows["pool"].share, seen.flows["dear"].share) == (pytest.approx(0.9), pytest.approx(0.1))
    assert (seen.total.prompt, seen.total.completion) == (100.0, 11.0)
    pool = seen.flows["pool"].first_token
    assert pool is not None and (pool.p50, pool.p95, pool.count) == (pytest.approx(0.5), pytest.approx(0.86), 9)
    dear = seen.flows["dear"].per_token
    assert dear is not None and dear.p50 == pytest.approx(0.05)


def test_what_was_not_seen_is_unknown_and_not_zero() -> None:
    seen = traffic().now(catalog(), NONE, 10.0)
    assert seen.total.first_token is None and seen.flows["pool"].duration is None
    whole = traffic(outcome(stream=False)).now(catalog(), NONE, 10.0).total
    assert whole.first_token is None and whole.per_token is None and whole.duration is not None


def test_a_client_that_left_has_not_failed_and_a_broken_stream_has() -> None:
    seen = traffic(outcome(fault=LEFT), outcome(fault=BROKEN), outcome(), outcome("dear")).now(catalog(), NONE, 10.0)
    assert (seen.total.failed, seen.flows["dear"].failed) == (0.25, 0.0)
    full, unknown = outcome("", "", status=429), outcome("", "", status=404)
    assert traffic(full, unknown).now(catalog(), NONE, 10.0).total.failed == 0.5


def test_the_window_slides() -> None:
    made, known = traffic(outcome(at=0.5)), catalog()
    for second in range(1, WINDOW + 1):
        made.sample(known, NONE, float(second), 0.0)
    assert made.now(known, NONE, WINDOW + 0.5).requests == 1
    made.sample(known, NONE, WINDOW + 1.0, 0.0)
    seen = made.now(known, NONE, WINDOW + 1.5)
    assert (seen.requests, seen.total.first_token, seen.seconds) == (0, None, WINDOW + 0.5)


def test_a_point_of_the_past_is_taken_over_some_seconds() -> None:
    made, known = traffic(), catalog()
    made.sample(known, NONE, 1.0, 101.0)
    made._metrics.record(outcome(at=1.5))  # counted between two samples
    made._recent.append(outcome(at=1.5))
    for second in range(2, 10):
        made.sample(known, NONE, float(second), 100.0 + second)
    rates = [point.requests.get("pool", 0.0) for point in made.points]
    assert rates[0] == 0.0 and sum(rate > 0.0 for rate in rates) == SMOOTH
    assert rates[-1] == 0.0 and made.points[1].first_token == (0.1, 0.1)
    assert made.points[-1].time == 109.0


def test_what_is_kept_and_looked_at_is_bounded() -> None:
    made = traffic(*[outcome(at=n / 1000) for n in range(RECENT + 100)])
    seen = made.now(catalog(), NONE, 10.0)
    assert len(made._recent) == RECENT and seen.requests == RECENT + 100
    assert seen.total.duration is not None and seen.total.duration.count == LOOKED


def test_what_an_upstream_said_in_a_refusal_is_not_kept() -> None:
    long = Fault(Failure.BAD_REQUEST, "no", body=b"x" * 1_000_000)
    made = traffic(outcome(at=0.5, fault=long))
    made.sample(catalog(), NONE, 1.0, 0.0)
    (kept,) = made._recent
    assert kept.fault is not None and (kept.fault.body, kept.fault.message) == (b"", "no")


def test_spill_is_what_a_cloud_answered_of_models_with_engines_of_their_own() -> None:
    seen = traffic(outcome(), outcome("dear"), outcome("cheap"), outcome("free", "f")).now(catalog(), NONE, 10.0)
    assert seen.spill == {"m": pytest.approx(2 / 3), "f": 0.0}


def test_drops_are_those_of_the_window() -> None:
    made, known = traffic(), catalog()
    for second in range(1, WINDOW + 2):
        made.sample(known, Dropped(5, 7), float(second), 0.0)
    assert made.now(known, Dropped(6, 7), WINDOW + 2.0).dropped == Dropped(1, 0)


def test_requests_that_no_place_was_asked_for_count_in_the_total_alone() -> None:
    refused = outcome("", "", status=404, usage=NO_USAGE, first_token=0.0)
    seen = traffic(refused, outcome()).now(catalog(), NONE, 10.0)
    assert (seen.requests, sum(flow.share for flow in seen.flows.values())) == (2, 0.5)


def test_quantiles_are_interpolated_as_in_every_report() -> None:
    found = quantiles([3.0, 1.0, 2.0])
    assert found is not None and (found.p50, found.p95, found.count) == (2.0, pytest.approx(2.9), 3)
    assert quantiles([]) is None


def test_what_was_refused_is_no_spill() -> None:
    limited = Fault(Failure.RATE_LIMITED, "429")
    refused = outcome("dear", status=429, fault=limited, first_token=0.0)
    assert traffic(outcome(), refused, refused).now(catalog(), NONE, 10.0).spill["m"] == 0.0
