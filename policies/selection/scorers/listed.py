"""Listed: deployments score by their order in the configuration; endpoints of one deployment score alike."""

from policies.load.candidate import Candidate
from policies.selection.scorers.base import Scorer
from policies.vocabulary.types import Request


class Listed(Scorer, frozen=True):
    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        places: dict[str, int] = {}
        for candidate in candidates:
            places.setdefault(candidate.deployment.name, len(places))
        return [1.0 / (1 + places[c.deployment.name]) for c in candidates]
