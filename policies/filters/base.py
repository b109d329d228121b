"""The contract of a filter."""

from typing import ClassVar

import msgspec

from policies.needs import NOTHING, Need
from policies.types import Candidate, Request


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Keeps the candidates that may serve the request."""

    needs: ClassVar[frozenset[Need]] = NOTHING

    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        raise NotImplementedError
