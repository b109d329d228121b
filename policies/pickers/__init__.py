"""Pickers: which of the scored candidates is chosen."""

from policies.pickers.base import Picker
from policies.pickers.best import Best
from policies.pickers.round_robin import RoundRobin

__all__ = ["Best", "Picker", "RoundRobin"]
