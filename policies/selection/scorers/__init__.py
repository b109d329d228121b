"""Scorers: how good a candidate is, from 0 to 1; the best of the given ones scores 1."""

from policies.selection.scorers.base import Scorer
from policies.selection.scorers.cost import Cost
from policies.selection.scorers.hot_cold import HotCold
from policies.selection.scorers.kv_headroom import KvHeadroom
from policies.selection.scorers.least_busy import LeastBusy
from policies.selection.scorers.listed import Listed
from policies.selection.scorers.peak_ewma import PeakEwma
from policies.selection.scorers.predicted_latency import PredictedLatency
from policies.selection.scorers.prefix_affinity import PrefixAffinity
from policies.selection.scorers.prefix_cost import PrefixCost
from policies.selection.scorers.quality import Quality
from policies.selection.scorers.session import Session
from policies.selection.scorers.slo_cost import SloCost
from policies.selection.scorers.throughput import Throughput
from policies.selection.scorers.token_load import TokenLoad

SCORERS: tuple[type[Scorer], ...] = (
    PeakEwma, LeastBusy, TokenLoad, KvHeadroom, Cost, PredictedLatency, Throughput, HotCold, PrefixAffinity, PrefixCost,
    Session, Listed, Quality, SloCost,
)  # fmt: skip

__all__ = [
    "SCORERS", "Cost", "HotCold", "KvHeadroom", "LeastBusy", "Listed", "PeakEwma", "PredictedLatency",
    "PrefixAffinity", "PrefixCost", "Quality", "Scorer", "Session", "SloCost", "Throughput", "TokenLoad",
]  # fmt: skip
