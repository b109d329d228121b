"""Scorers: how good a candidate is, from 0 to 1; the best of the given ones scores 1."""

from policies.scorers.base import Scorer
from policies.scorers.least_busy import LeastBusy
from policies.scorers.listed import Listed
from policies.scorers.prefix_cost import PrefixCost

__all__ = ["LeastBusy", "Listed", "PrefixCost", "Scorer"]
