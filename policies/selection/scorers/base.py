"""The scorer contract."""

from typing import ClassVar

import msgspec

from policies.load.candidate import Candidate
from policies.vocabulary.needs import NOTHING, Need
from policies.vocabulary.rung import Rung
from policies.vocabulary.types import Request


class Scorer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Gives each candidate a score in 0..1, 1 best. Weights belong to the policy, not to the scorer's scale."""

    needs: ClassVar[frozenset[Need]] = NOTHING

    weight: float = 1.0

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        raise NotImplementedError

    def rung(self, request: Request, candidates: list[Candidate], now: float) -> Rung:
        """What these candidates' scores are read from."""
        return Rung.NONE
