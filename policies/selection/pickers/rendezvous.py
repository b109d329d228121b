"""Rendezvous hashing, weighted by score: a conversation keeps its endpoint while the endpoint is there.

When an endpoint goes, only its conversations move. A request without a conversation is drawn by its seed.
"""

from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.pickers.base import MANY, Picker
from policies.vocabulary.hashing import jump, mix, rendezvous
from policies.vocabulary.needs import Need
from policies.vocabulary.types import Request

LEAST = 1e-9  # a score of nought still leaves an order


class Rendezvous(Picker, frozen=True):
    needs: ClassVar[frozenset[Need]] = frozenset({"conversation"})

    def pick(self, request: Request, candidates: list[Candidate], scores: list[float]) -> Candidate:
        key = request.conversation or request.seed
        drawn = [rendezvous(key, c.mark, max(s, LEAST)) for c, s in zip(candidates, scores, strict=True)]
        return candidates[drawn.index(max(drawn))]

    def draw(self, request: Request, candidates: list[Candidate], size: int) -> list[Candidate]:
        """Of few, all, so that one that goes moves only its own conversations. Of many, always the same for a
        conversation, and mostly the same when they have become more."""
        if len(candidates) <= MANY:
            return candidates
        key, count, places, tried = request.conversation or request.seed, len(candidates), dict[int, None](), 0
        while len(places) < min(size, count):
            places[jump(mix(key, tried), count)] = None
            tried += 1
        return [candidates[n] for n in places]
