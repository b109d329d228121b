"""The filter contract."""

from typing import ClassVar

import msgspec

from policies.load.candidate import Candidate
from policies.vocabulary.needs import NOTHING, Need
from policies.vocabulary.types import Request


class Filter(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag=str.lower):
    """Keeps the candidates that may serve the request."""

    needs: ClassVar[frozenset[Need]] = NOTHING

    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        raise NotImplementedError
