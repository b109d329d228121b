"""A policy. Rule: Filter -> sample -> Score -> Pick, over data; every preset is only a named one of these."""

import msgspec

from policies.filters import Capable, Filter, Healthy
from policies.pickers import Best, Picker, RoundRobin
from policies.scorers import LeastBusy, Listed, PrefixCost, Scorer
from policies.types import Candidate, Request


class Policy(msgspec.Struct, frozen=True):
    """How one tier's candidates are ranked. ``sample``: score only so many, drawn by the request's seed; 0: all."""

    kind: str
    scorers: tuple[Scorer, ...] = ()
    pick: Picker = Best()
    sample: int = 0
    filters: tuple[Filter, ...] = (Capable(), Healthy())

    def eligible(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        """The candidates that pass every filter."""
        for each in self.filters:
            candidates = each.keep(request, candidates, now)
        return candidates

    def choose(self, request: Request, candidates: list[Candidate], now: float) -> Candidate:
        """One of the eligible candidates (at least one is given)."""
        if len(candidates) == 1:
            return candidates[0]
        if 0 < self.sample < len(candidates):
            candidates = sample(candidates, self.sample, request.seed)
        return self.pick.pick(request, candidates, self.scores(request, candidates, now))

    def scores(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        """Weighted sums of the scorers' scores; all equal where there is no scorer."""
        if len(self.scorers) == 1:
            return self.scorers[0].score(request, candidates, now)
        total = [0.0] * len(candidates)
        for scorer in self.scorers:
            for i, score in enumerate(scorer.score(request, candidates, now)):
                total[i] += scorer.weight * score
        return total


def sample(candidates: list[Candidate], size: int, seed: int) -> list[Candidate]:
    """``size`` distinct candidates, drawn by ``seed``: the head of a Fisher-Yates shuffle.

    Drawn by the high bits of Knuth's MMIX generator: a picker breaks ties by the seed itself, which must tell nothing
    of which candidates were drawn.
    """
    rest = list(candidates)
    drawn = []
    for _ in range(size):
        seed = seed * 6364136223846793005 + 1442695040888963407 & 0xFFFFFFFFFFFFFFFF
        index = (seed >> 33) % len(rest)
        drawn.append(rest[index])
        rest[index] = rest[-1]
        rest.pop()
    return drawn


PRESETS: tuple[Policy, ...] = (
    # Places are far apart (1, 1/2, 1/3 ...) and load is worth less than the gap between two of any 30 deployments.
    Policy(kind="order", scorers=(Listed(weight=1000.0), LeastBusy())),
    Policy(kind="round_robin", pick=RoundRobin()),
    Policy(kind="least_busy", scorers=(LeastBusy(),)),
    Policy(kind="power_of_two", scorers=(LeastBusy(),), sample=2),
    Policy(kind="prefix", scorers=(PrefixCost(),)),
)


def preset(kind: str) -> Policy | None:
    """The preset of that name."""
    return next((policy for policy in PRESETS if policy.kind == kind), None)
