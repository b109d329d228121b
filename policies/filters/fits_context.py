"""Fits context: prompt and asked-for answer fit into the deployment's context window, by the estimate."""

from typing import ClassVar

from policies.filters.base import Filter
from policies.needs import Need
from policies.types import Candidate, Request


class FitsContext(Filter, frozen=True, tag="fits_context"):
    needs: ClassVar[frozenset[Need]] = frozenset({"max_tokens"})

    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        needed = request.prompt_tokens + (request.max_tokens or 0)
        return [c for c in candidates if c.deployment.context_window is None or needed <= c.deployment.context_window]
