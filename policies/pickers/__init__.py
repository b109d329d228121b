"""Pickers: which of the scored candidates is chosen."""

from policies.pickers.base import Picker
from policies.pickers.best import Best
from policies.pickers.rendezvous import Rendezvous
from policies.pickers.round_robin import RoundRobin
from policies.pickers.softmax import Softmax
from policies.pickers.weighted import Weighted

PICKERS: tuple[type[Picker], ...] = (Best, Weighted, RoundRobin, Rendezvous, Softmax)

__all__ = ["PICKERS", "Best", "Picker", "Rendezvous", "RoundRobin", "Softmax", "Weighted"]
