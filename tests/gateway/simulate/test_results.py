"""The tally: quantiles, goodput with every request in the denominator, fairness."""

import pytest

from gateway.simulate.results import Quantiles, Tally, jain, quantiles
from gateway.simulate.trace import Arrival
from policies.learning.slo.estimate import USUAL, Slo
from policies.vocabulary.failure import Failure
from policies.vocabulary.quantile import quantile


def test_quantiles_are_interpolated() -> None:
    assert quantile([0.0, 10.0], 0.9) == pytest.approx(9.0)
    assert quantiles([3.0]) == Quantiles(3.0, 3.0, 3.0)
    assert quantiles([]) == Quantiles(None, None, None)


def test_rejects_and_errors_lower_goodput() -> None:
    tally = Tally(Slo(ttft=1.0))
    arrival = Arrival(0.0, 100, 1)
    for _ in range(4):
        tally.arrived(arrival)
    tally.completed(arrival, 0, 0.0, 0.5, 0.5)
    tally.completed(arrival, 0, 0.0, 1.5, 1.5)
    tally.refused(Failure.SHED)
    tally.refused(Failure.BROKEN_STREAM)
    result = tally.result(0.0)
    assert (result.completed, result.rejected, result.errors, result.goodput) == (2, 1, 1, 0.25)


def test_the_target_grows_with_the_prompt_and_holds_for_every_token() -> None:
    tally = Tally(Slo(ttft=1.0, per_1k_tokens=0.5, tpot=0.1))
    for prompt, first, last in ((4000, 2.9, 3.0), (4000, 3.1, 3.2), (100, 0.5, 3.0)):
        arrival = Arrival(0.0, prompt, 11)
        tally.arrived(arrival)
        tally.completed(arrival, 0, 0.0, first, last)
    assert tally.good == 1


def test_hits_are_counted_in_the_traces_blocks() -> None:
    tally = Tally(USUAL)
    for arrival, cached in ((Arrival(0.0, 2048, 1, (1, 2, 3, 4)), 1024), (Arrival(0.0, 512, 1, (9,)), 0)):
        tally.arrived(arrival)
        tally.completed(arrival, cached, 0.0, 1.0, 1.0)
    assert tally.result(0.0).hit_rate == pytest.approx(2 / 5)


def test_fairness_is_jains_index_of_the_groups() -> None:
    assert jain([1.0, 1.0]) == 1.0
    assert jain([1.0, 0.0]) == 0.5
    assert jain([0.0, 0.0]) == 1.0
