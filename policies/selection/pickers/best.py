"""Best: the highest score; the request's seed breaks ties, so that equals share the load."""

from policies.load.candidate import Candidate
from policies.selection.pickers.base import Picker
from policies.vocabulary.types import Request


class Best(Picker, frozen=True):
    def pick(self, request: Request, candidates: list[Candidate], scores: list[float]) -> Candidate:
        top = max(scores)
        ties = [c for c, score in zip(candidates, scores, strict=True) if score == top]
        return ties[request.seed % len(ties)]
