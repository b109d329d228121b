"""The decision record says what the plan did, and why."""

import pytest
from msgspec.structs import replace

from policies.learning.predict.latency import LatencyPredictor, hardware
from policies.learning.slo.estimate import Slo
from policies.learning.slo.gpu_price import ShadowPrice
from policies.selection.explain import explain
from policies.selection.plan import plan
from policies.selection.scorers import SloCost
from policies.vocabulary.types import Price
from tests.policies.world import ask, model, place, pool, scraped, world


@pytest.mark.parametrize("kind", ["order", "round_robin", "least_busy", "power_of_two"])
def test_the_chosen_one_is_the_one_that_plan_chooses(kind: str) -> None:
    asked = model("m", pool("a", 5), kind=kind)
    for seed in range(50):
        request = ask(seed * 2**32, seed)
        decision = explain(request, asked, world(asked))
        (chosen,) = [row for row in decision.considered if row.chosen]
        found = plan(request, asked, world(asked)).candidate
        assert found is not None and (chosen.deployment, chosen.endpoint) == found.id


def test_each_place_that_was_passed_over_says_why() -> None:
    down, full, well, later = place("a"), place("b", limit=1), place("c"), place("d")
    down.load.down = True
    full.pool.in_flight = 1
    scraped(well, 3.0, 1.0)
    asked = model("m", [down, full, well], [later])
    rows = explain(ask(), asked, world(asked)).considered
    assert [(row.deployment, row.refused_by, row.chosen, row.queued) for row in rows] == [
        ("a", "healthy", False, None),
        ("b", "full", False, None),
        ("c", "", True, 4.0),
    ]
    assert [row.score is None for row in rows] == [True, True, False]


def test_where_nothing_is_left_every_tier_is_told() -> None:
    places = [place("a"), place("b")]
    for each in places:
        each.load.down = True
    asked = model("m", places[:1], places[1:])
    rows = explain(ask(), asked, world(asked)).considered
    assert [(row.tier, row.refused_by, row.chosen) for row in rows] == [(0, "healthy", False), (1, "healthy", False)]


def test_where_a_place_has_a_predictor_its_predictions_are_told() -> None:
    own, other = place("own", own=True), place("other", price=Price(1, 2))
    own.load.predictor = LatencyPredictor(hardware(cloud=False))
    other.load.predictor = LatencyPredictor(hardware(cloud=True))
    own.pool.shadow = ShadowPrice(price=0.25)
    target = SloCost(slo=Slo(ttft=1.0))
    asked = model("m", [own, other], kind="slo_cost")
    asked = replace(asked, policy=replace(asked.policy, scorers=(target,)))
    mine, theirs = explain(ask(stream=True), asked, world(asked)).considered
    assert theirs.predictions.keys() == {"ttft_p50", "ttft_p95", "tpot", "late"}
    assert mine.predictions.keys() == theirs.predictions.keys() | {"gpu_seconds", "usd_per_gpu_second"}
    assert 0.0 < mine.predictions["ttft_p50"] < mine.predictions["ttft_p95"]
    assert 0.0 <= mine.predictions["late"] <= 1.0
    assert mine.predictions["usd_per_gpu_second"] == 0.25
    assert not explain(ask(), model("n", [place("n")]), world()).considered[0].predictions
