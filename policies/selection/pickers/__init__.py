"""Pickers: which of the scored candidates is chosen."""

from policies.selection.pickers.base import Picker
from policies.selection.pickers.best import Best
from policies.selection.pickers.rendezvous import Rendezvous
from policies.selection.pickers.round_robin import RoundRobin
from policies.selection.pickers.softmax import Softmax
from policies.selection.pickers.weighted import Weighted

PICKERS: tuple[type[Picker], ...] = (Best, Weighted, RoundRobin, Rendezvous, Softmax)

__all__ = ["PICKERS", "Best", "Picker", "Rendezvous", "RoundRobin", "Softmax", "Weighted"]
