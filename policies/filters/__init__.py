"""Filters: hard rules. A candidate that one refuses is never chosen."""

from policies.filters.base import Filter
from policies.filters.capable import Capable
from policies.filters.healthy import Healthy

__all__ = ["Capable", "Filter", "Healthy"]
