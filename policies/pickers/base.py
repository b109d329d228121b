"""The contract of a picker."""

from typing import ClassVar

import msgspec

from policies.needs import NOTHING, Need
from policies.types import Candidate, Request


class Picker(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Chooses one of the candidates (at least one is given)."""

    needs: ClassVar[frozenset[Need]] = NOTHING

    def pick(self, request: Request, candidates: list[Candidate], scores: list[float]) -> Candidate:
        raise NotImplementedError
