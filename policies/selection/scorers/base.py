"""The scorer contract."""

from typing import ClassVar

import msgspec

from policies.load.candidate import Candidate
from policies.vocabulary.needs import NOTHING, Need
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request
from policies.vocabulary.units import Weight


class Scorer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """A score from 0 to 1 for each candidate, 1 the best. Weights belong to the policy, not to the scorer's scale.

    weight: How much it counts among the scorers.
    """

    needs: ClassVar[frozenset[Need]] = NOTHING

    weight: Weight = 1.0

    def score(self, request: Request, candidates: list[Candidate], now: float) -> list[float]:
        raise NotImplementedError

    def signal(self, request: Request, candidates: list[Candidate], now: float) -> Signal:
        """What these candidates' scores are read from."""
        return Signal.NONE
