"""Filters: hard rules. A candidate that a filter rejects is never chosen."""

from policies.selection.filters.base import Filter
from policies.selection.filters.capable import Capable
from policies.selection.filters.fits_context import FitsContext
from policies.selection.filters.healthy import Healthy
from policies.selection.filters.tagged import Tagged
from policies.selection.filters.within_price import WithinPrice
from policies.selection.filters.within_rate import WithinRate

FILTERS: tuple[type[Filter], ...] = (Capable, Healthy, FitsContext, Tagged, WithinPrice, WithinRate)

__all__ = ["FILTERS", "Capable", "Filter", "FitsContext", "Healthy", "Tagged", "WithinPrice", "WithinRate"]
