"""The contract of a scorer."""

from typing import ClassVar

import msgspec

from policies.ladder import Rung
from policies.needs import NOTHING, Need
from policies.types import Candidate, Request


class Scorer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Gives each candidate a score in 0..1, 1 best. Weights belong to the policy, not to the scorer's scale."""

    needs: ClassVar[frozenset[Need]] = NOTHING

    weight: float = 1.0

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        raise NotImplementedError

    def rung(self, request: Request, candidates: list[Candidate], now: float) -> Rung:
        """What these candidates' scores are read from."""
        return Rung.NONE
