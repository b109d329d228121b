"""The picker contract."""

from typing import ClassVar

import msgspec

from policies.load.candidate import Candidate
from policies.vocabulary.hashing import sample
from policies.vocabulary.needs import NOTHING, Need
from policies.vocabulary.types import Request

MANY = 32  # candidates; from here on some are drawn and then filtered, and not the reverse


class Picker(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Chooses one of the candidates (at least one is given)."""

    needs: ClassVar[frozenset[Need]] = NOTHING

    def draw(self, request: Request, candidates: list[Candidate], size: int) -> list[Candidate]:
        """``size`` of the candidates (all, where there are no more), in the order they should be preferred."""
        return sample(candidates, size, request.seed)

    def pick(self, request: Request, candidates: list[Candidate], scores: list[float]) -> Candidate:
        raise NotImplementedError
