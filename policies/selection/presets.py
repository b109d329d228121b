"""The presets: named profiles of parts that could also be composed in YAML."""

from policies.selection.pickers import Rendezvous, RoundRobin, Weighted
from policies.selection.profile import Policy
from policies.selection.scorers import (
    Cost,
    HotCold,
    LeastBusy,
    Listed,
    PeakEwma,
    PredictedLatency,
    PrefixCost,
    Quality,
    SloCost,
    Throughput,
)

FEW = 8  # endpoints; where load is compared, the best of eight at random is as good as the best of all

PRESETS: tuple[Policy, ...] = (
    # Places are far apart (1, 1/2, 1/3 ...) and load is worth less than the gap between two of any 30 deployments.
    Policy(kind="order", scorers=(Listed(weight=1000.0), LeastBusy()), sample=FEW, stratified=True),
    Policy(kind="weighted", pick=Weighted(), sample=FEW, stratified=True),
    Policy(kind="round_robin", pick=RoundRobin(), sample=1),
    Policy(kind="random", sample=1),
    Policy(kind="least_busy", scorers=(LeastBusy(),), sample=FEW),
    Policy(kind="power_of_two", scorers=(LeastBusy(),), sample=2),
    Policy(kind="peak_ewma", scorers=(PeakEwma(),), sample=2),
    Policy(kind="prequal", scorers=(HotCold(),), sample=FEW),
    # A thousandth of the dearest place's cost is worth as much as an idle place against a crowded one.
    Policy(
        kind="lowest_cost",
        scorers=(Cost(weight=1000.0), LeastBusy()),
        sample=FEW,
        stratified=True,
        across_tiers=True,
    ),
    Policy(kind="lowest_latency", scorers=(PredictedLatency(),), sample=FEW, stratified=True, across_tiers=True),
    Policy(kind="highest_throughput", scorers=(Throughput(),), sample=FEW, stratified=True, across_tiers=True),
    Policy(kind="prefix", scorers=(PrefixCost(),), sample=FEW),
    Policy(kind="session", pick=Rendezvous(), sample=FEW),
    Policy(kind="slo_cost", scorers=(SloCost(),), sample=6, stratified=True, across_tiers=True),
    # The side first, then what is cheap there, then what is idle.
    Policy(
        kind="quality",
        scorers=(Quality(weight=1_000_000.0), Cost(weight=1000.0), LeastBusy()),
        sample=FEW,
        stratified=True,
        across_tiers=True,
    ),
)


def preset(kind: str) -> Policy | None:
    """The preset of that name."""
    return next((policy for policy in PRESETS if policy.kind == kind), None)
