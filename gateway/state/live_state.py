"""Live state of everything the configuration names, in three parts with three lives.

    local    Counters: counters that every attempt moves. Never leave this process.
    shared   SharedState: quota domains' cooling, rates against limits. What several processes must agree on.
    learned  Predictions, Estimates, thresholds, speeds. Outlive the process in one checkpoint (checkpoint.py).

Endpoints, the registry, holds the objects of each endpoint that all three write to and decisions read.
"""

# compiled

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterator

from gateway.state.counters import Counters
from gateway.state.difficulty import DifficultyJudge
from gateway.state.endpoints import Endpoints, Topology
from gateway.state.estimates import Estimates
from gateway.state.predictions import Predictions
from gateway.state.prompt_caches import PromptCaches
from gateway.state.shared import LocalState
from policies.attempts.hedging import HedgeBudget
from policies.load.candidate import Candidate
from policies.selection.model import Id


class LiveState:
    """Holds the parts, and has each follow the configuration and the endpoints that come and go."""

    def __init__(self) -> None:
        self.shared = LocalState()
        self.endpoints = Endpoints(self.shared)
        self.estimates = Estimates()
        self.predictions = Predictions(self.endpoints)
        self.caches = PromptCaches()
        self.judge = DifficultyJudge()
        self.counters = Counters(self.endpoints, self.shared, self.estimates, self.predictions, self.caches)
        self.hedge = HedgeBudget()
        self.turns: dict[str, Iterator[int]] = defaultdict(itertools.count)  # what `round_robin` takes, by model
        self._changed: list[Callable[[], None]] = []

    def watch(self, changed: Callable[[], None]) -> None:
        """Call this after endpoints have come or gone, on the event loop."""
        self._changed.append(changed)

    def follow(self, topology: Topology) -> None:
        """A configuration is in force; what was learned stays."""
        models = topology.models
        self.hedge.share = topology.hedge_budget
        for part in (self.counters, self.estimates, self.predictions, self.caches, self.judge):
            part.follow(models)
        for id in self.endpoints.follow(topology):
            self.caches.vanished(id)
        for candidate in self.endpoints.all.values():
            self._appeared(candidate)
        self._tell()

    def add(self, deployment: str, url: str) -> Candidate:
        """An endpoint appears; see Endpoints."""
        candidate = self.endpoints.add(deployment, url)
        self._appeared(candidate)
        self._tell()
        return candidate

    def drain(self, id: Id) -> None:
        """It takes no new attempts; those under way finish."""
        self.endpoints.drain(id)
        self._tell()

    def remove(self, id: Id) -> None:
        """It is gone."""
        self.endpoints.remove(id)
        self.caches.vanished(id)
        self._tell()

    def _appeared(self, candidate: Candidate) -> None:
        self.counters.appeared(candidate)
        self.predictions.appeared(candidate)
        self.caches.appeared(candidate)

    def _tell(self) -> None:
        self.counters.tidy()
        for changed in self._changed:
            changed()
