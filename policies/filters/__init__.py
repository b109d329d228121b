"""Filters: hard rules. A candidate that one refuses is never chosen."""

from policies.filters.base import Filter
from policies.filters.capable import Capable
from policies.filters.fits_context import FitsContext
from policies.filters.healthy import Healthy
from policies.filters.tagged import Tagged
from policies.filters.within_price import WithinPrice
from policies.filters.within_rate import WithinRate

FILTERS: tuple[type[Filter], ...] = (Capable, Healthy, FitsContext, Tagged, WithinPrice, WithinRate)

__all__ = ["FILTERS", "Capable", "Filter", "FitsContext", "Healthy", "Tagged", "WithinPrice", "WithinRate"]
