"""A policy's options reach its parts, given at the policy or at the part."""

import pytest

from gateway.catalog.policy_compiler import fitted, named
from policies.learning.slo.estimate import USUAL, Slo
from policies.selection.scorers import Cost, LeastBusy, Quality, SloCost
from policies.selection.scorers.quality import Difficulty
from tests.policies.world import place

SLO = Slo(ttft=0.8, quantile=0.9)


@pytest.mark.parametrize(
    ("policy", "scorers"),
    [
        ("{kind: slo_cost}", (SloCost(slo=USUAL),)),
        ("{kind: slo_cost, strict: true}", (SloCost(slo=USUAL, strict=True),)),
        ("{kind: slo_cost, slo: {ttft: 800ms, quantile: 0.9}, strict: true}", (SloCost(slo=SLO, strict=True),)),
        ("{scorers: [{kind: slo_cost, weight: 2, strict: true}]}", (SloCost(weight=2.0, strict=True),)),
        ("{scorers: [{kind: slo_cost, slo: {ttft: 800ms, quantile: 0.9}}]}", (SloCost(slo=SLO),)),
        (
            "{scorers: [{kind: slo_cost}, {kind: cost}], slo: {ttft: 800ms, quantile: 0.9}}",
            (SloCost(slo=SLO), Cost()),
        ),
        (
            "{kind: quality, difficulty: {share: 5%, strong: [cloud]}}",
            (
                Quality(weight=1_000_000.0, difficulty=Difficulty(share=0.05, strong=("cloud",))),
                Cost(weight=1000.0),
                LeastBusy(),
            ),
        ),
        ("{scorers: [{kind: quality, difficulty: {share: 5%}}]}", (Quality(difficulty=Difficulty(share=0.05)),)),
    ],
)
def test_options_at_the_policy_and_at_the_scorer_are_the_same(accept, small, policy, scorers):
    assert named(accept(f"policies: {{p: {policy}}}\n{small}"), "p").scorers == scorers


def test_the_service_level_of_a_scorer_is_its_policys(accept, small):
    slo = "kind: slo_cost, slo: {ttft: 1s}"
    found = accept(f"policies: {{a: {{{slo}}}, b: {{scorers: [{{{slo}}}]}}, c: {{kind: order}}}}\n{small}").policies
    assert (found["a"].target, found["b"].target, found["c"].target) == (Slo(ttft=1.0), Slo(ttft=1.0), None)


def test_the_deployment_listed_last_is_strong_where_none_is_named(accept, small):
    policy = fitted(named(accept(f"policies: {{p: {{kind: quality}}}}\n{small}"), "p"), [place("a"), place("b")])
    (quality,) = (each for each in policy.scorers if isinstance(each, Quality))
    assert quality.difficulty.strong == ("b",)
