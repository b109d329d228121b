"""A policy: Filter -> sample -> Score -> Pick, over data."""

import msgspec

from policies.load.candidate import Candidate
from policies.selection.filters import Capable, Filter, Healthy
from policies.selection.pickers import Best, Picker
from policies.selection.prefix_holders import beside
from policies.selection.scorers import Scorer
from policies.vocabulary.needs import Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request

SPARE = 6  # drawn beyond the sample, for those that the filters take out
USUAL: tuple[Filter, ...] = (Capable(), Healthy())  # what every place is asked, and of most policies all


class Policy(msgspec.Struct, frozen=True):
    """How one tier's candidates are ranked. ``sample``: score only so many, drawn by the request's seed; 0: all.

    ``stratified``: so many of each deployment, so that none is overlooked. ``across_tiers``: all tiers are one.
    """

    kind: str
    scorers: tuple[Scorer, ...] = ()
    pick: Picker = Best()
    sample: int = 0
    stratified: bool = False
    across_tiers: bool = False
    filters: tuple[Filter, ...] = USUAL

    @property
    def needs(self) -> frozenset[Need]:
        """What its parts read beyond the ordinary."""
        return self.pick.needs.union(*(each.needs for each in self.filters), *(each.needs for each in self.scorers))

    def eligible(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        """The candidates that pass every filter."""
        for each in self.filters:
            candidates = each.keep(request, candidates, now)
        return candidates

    def choose(self, request: Request, candidates: list[Candidate], now: float) -> tuple[Candidate, Signal]:
        """One of the eligible candidates (at least one is given), and what it was chosen by."""
        if len(candidates) == 1:
            return candidates[0], Signal.NONE
        if 0 < self.sample < len(candidates):
            drawn, held = self.draw(request, candidates, self.sample), request.matched
            candidates = beside(request, drawn, [c for c in candidates if c.id in held], list) if held else drawn
        return self.best(request, candidates, now)

    def best(self, request: Request, candidates: list[Candidate], now: float) -> tuple[Candidate, Signal]:
        """One of the candidates that were drawn, and what it was chosen by."""
        if len(candidates) == 1:
            return candidates[0], Signal.NONE
        signal = self.scorers[0].signal(request, candidates, now) if self.scorers else Signal.NONE
        return self.pick.pick(request, candidates, self.scores(request, candidates, now)), signal

    def draw(self, request: Request, candidates: list[Candidate], size: int) -> list[Candidate]:
        """``size`` of the candidates, or of each deployment's."""
        if self.stratified:
            return [c for each in strata(candidates) for c in self.pick.draw(request, each, size)]
        return self.pick.draw(request, candidates, size)

    def heads(self, drawn: list[Candidate]) -> list[Candidate]:
        """Of candidates that were drawn in spare, no more than the sample, or than that of each deployment."""
        runs = strata(drawn) if self.stratified else [drawn]
        return [c for each in runs for c in each[: self.sample]]

    def scores(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        """Weighted sums of the scorers' scores; all alike where there is no scorer."""
        if not self.scorers:
            return [1.0] * len(candidates)
        if len(self.scorers) == 1:
            return self.scorers[0].score(request, candidates, now)
        total = [0.0] * len(candidates)
        for scorer in self.scorers:
            for i, score in enumerate(scorer.score(request, candidates, now)):
                total[i] += scorer.weight * score
        return total


def strata(candidates: list[Candidate]) -> list[list[Candidate]]:
    """The candidates by deployment, whose endpoints stand together; long runs are leapt over, not walked."""
    runs, start, count = [], 0, len(candidates)
    while start < count:
        name, inside, step = candidates[start].id[0], start, 1
        while step:
            if inside + step < count and candidates[inside + step].id[0] == name:
                inside += step
                step *= 2
            else:
                step //= 2
        runs.append(candidates[start : inside + 1])
        start = inside + 1
    return runs
