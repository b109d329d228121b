"""The least of dollars and risk of being late wins; ties go to the soonest; a binding level rules others out."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.learning.predict.latency import LatencyPredictor, LoadFeatures, hardware
from policies.learning.slo.estimate import Estimate, EstimateQuery, Slo
from policies.learning.slo.objective import RARELY, TIE
from policies.learning.slo.objective import rank as rank_of

TARGET = Slo(ttft=0.8, per_1k_tokens=0.05, tpot=0.05)


class Offer(msgspec.Struct, frozen=True):
    cost: float
    estimate: Estimate


def rank(offers: list[Offer], late_price: float, late_allowed: float | None) -> list[float]:
    estimates = [each.estimate for each in offers]
    lates, burdens = [each.late for each in estimates], [each.felt for each in estimates]
    return rank_of([each.cost for each in offers], lates, burdens, late_price, late_allowed)


def asked(prompt: float, output: float) -> EstimateQuery:
    return EstimateQuery(prompt, output, TARGET.first(prompt), TARGET.tpot)


def objective(offer: Offer, late_price: float) -> float:
    return offer.cost + late_price * offer.estimate.late


def offer(cost: float, late: float, seconds: float = 1.0) -> Offer:
    prediction = LatencyPredictor(hardware(cloud=True)).first_token(LoadFeatures(0), 0.0)
    prediction = type(prediction)(seconds, prediction.ratios, prediction.calibration)
    return Offer(cost, Estimate(LoadFeatures(0), prediction, prediction, late, 0.1, seconds, 0.0))


def tie(offers: list[Offer], least: float, late_price: float) -> float:
    return TIE * max(least, max(each.cost for each in offers), RARELY * late_price)


OFFERS = st.lists(
    st.builds(offer, st.floats(0, 1), st.floats(0, 1), st.floats(0.01, 10)), min_size=1, max_size=8
)  # fmt: skip


@given(OFFERS, st.floats(0, 10))
def test_the_best_is_within_a_tie_of_the_least(offers: list[Offer], late_price: float) -> None:
    scores = rank(offers, late_price, None)
    best = offers[scores.index(max(scores))]
    least = min(objective(each, late_price) for each in offers)
    assert all(0 <= score <= 1 for score in scores)
    assert objective(best, late_price) <= least + tie(offers, least, late_price) + 1e-12


@given(OFFERS, st.floats(0, 10))
def test_among_ties_the_soonest_wins(offers: list[Offer], late_price: float) -> None:
    scores = rank(offers, late_price, None)
    best = offers[scores.index(max(scores))]
    least = min(objective(each, late_price) for each in offers)
    ties = [each for each in offers if objective(each, late_price) <= least + tie(offers, least, late_price)]
    assert best.estimate.first.seconds == min(each.estimate.first.seconds for each in ties)


@given(OFFERS, st.floats(0, 1))
def test_a_binding_level_leaves_no_late_one_where_another_keeps_it(offers: list[Offer], allowed: float) -> None:
    scores = rank(offers, 0.0, allowed)
    best = offers[scores.index(max(scores))]
    assert best.estimate.late <= allowed or all(each.estimate.late > allowed for each in offers)


def test_a_spread_makes_those_near_the_lightest_equal() -> None:
    near, far = (rank_of([0.0] * 3, [0.0] * 3, [1.0, 1.1, 2.0], 0.0, spread=spread) for spread in (0.0, 0.2))
    assert near[0] > near[1] > near[2] and far[0] == far[1] > far[2]


def test_an_idle_engine_of_ones_own_is_cheaper_than_any_cloud() -> None:
    own, cloud = rank([offer(0.0, 0.01), offer(0.001, 0.01)], 0.01, None)
    assert own > cloud


def test_a_crowded_one_gives_way_when_being_late_costs_more_than_the_cloud() -> None:
    own, cloud = rank([offer(0.0, 0.9), offer(0.001, 0.01)], 0.01, None)
    assert cloud > own


def test_the_target_grows_with_the_prompt() -> None:
    assert TARGET.first(0) == 0.8 and TARGET.first(10_000) == pytest.approx(1.3)
    assert Slo(tpot=0.05).first(1000) is None


def test_a_longer_queue_makes_it_likelier_to_be_late_and_takes_no_more_work() -> None:
    predictor = LatencyPredictor(hardware(cloud=False))
    idle = asked(1000, 200).estimate(predictor, LoadFeatures(1000), None, 0.0)
    crowded = asked(1000, 200).estimate(predictor, LoadFeatures(1000, ahead=40_000), None, 0.0)
    assert idle.late < 0.2 < 0.9 < crowded.late
    assert idle.work == crowded.work


def test_cached_tokens_are_no_work() -> None:
    predictor = LatencyPredictor(hardware(cloud=False))
    cached, new = (asked(8000, 10).estimate(predictor, LoadFeatures(n), None, 0.0) for n in (100, 8000))
    assert cached.work < new.work / 3


def test_where_memory_binds_its_share_is_the_work() -> None:
    predictor, situation = LatencyPredictor(hardware(cloud=False)), LoadFeatures(8000)
    free = asked(8000, 1000).estimate(predictor, situation, 1e9, 0.0)
    tight = asked(8000, 1000).estimate(predictor, situation, 20_000, 0.0)
    assert free.work == asked(8000, 1000).estimate(predictor, situation, None, 0.0).work < tight.work
