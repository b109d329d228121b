"""The contract of a picker."""

import msgspec

from policies.types import Candidate, Request


class Picker(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Chooses one of the candidates (at least one is given)."""

    def pick(self, request: Request, candidates: list[Candidate], scores: list[float]) -> Candidate:
        raise NotImplementedError
