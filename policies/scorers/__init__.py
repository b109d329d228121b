"""Scorers: how good a candidate is, from 0 to 1; the best of the given ones scores 1."""

from policies.scorers.base import Scorer
from policies.scorers.cost import Cost
from policies.scorers.hot_cold import HotCold
from policies.scorers.kv_headroom import KvHeadroom
from policies.scorers.least_busy import LeastBusy
from policies.scorers.listed import Listed
from policies.scorers.peak_ewma import PeakEwma
from policies.scorers.predicted_latency import PredictedLatency
from policies.scorers.prefix_affinity import PrefixAffinity
from policies.scorers.prefix_cost import PrefixCost
from policies.scorers.quality import Quality
from policies.scorers.session import Session
from policies.scorers.slo_cost import SloCost
from policies.scorers.throughput import Throughput
from policies.scorers.token_load import TokenLoad

SCORERS: tuple[type[Scorer], ...] = (
    PeakEwma, LeastBusy, TokenLoad, KvHeadroom, Cost, PredictedLatency, Throughput, HotCold, PrefixAffinity, PrefixCost,
    Session, Listed, Quality,
)  # fmt: skip

__all__ = [
    "SCORERS", "Cost", "HotCold", "KvHeadroom", "LeastBusy", "Listed", "PeakEwma", "PredictedLatency",
    "PrefixAffinity", "PrefixCost", "Quality", "Scorer", "Session", "SloCost", "Throughput", "TokenLoad",
]  # fmt: skip
