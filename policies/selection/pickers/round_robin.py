"""Round robin: each request takes the next candidate in turn."""

from policies.load.candidate import Candidate
from policies.selection.pickers.base import Picker
from policies.vocabulary.types import Request


class RoundRobin(Picker, frozen=True, tag="round_robin"):
    def pick(self, request: Request, candidates: list[Candidate], scores: list[float]) -> Candidate:
        return candidates[request.sequence % len(candidates)]

    def draw(self, request: Request, candidates: list[Candidate], size: int) -> list[Candidate]:
        start = request.sequence % len(candidates)
        return [*candidates[start : start + size], *candidates[: max(0, start + size - len(candidates))]][:size]
