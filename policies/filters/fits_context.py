"""Fits context: prompt and asked-for answer fit into the deployment's context window, by a count where there is one."""

from collections.abc import Iterable
from typing import ClassVar

from policies.filters.base import Filter
from policies.needs import Need
from policies.types import Candidate, Model, Request


class FitsContext(Filter, frozen=True, tag="fits_context"):
    needs: ClassVar[frozenset[Need]] = frozenset({"max_tokens"})

    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        answer, exact = request.max_tokens or 0, request.exact or {}
        return [
            c
            for c in candidates
            if (window := c.deployment.context_window) is None
            or exact.get(c.deployment.name, request.prompt_tokens) + answer <= window
        ]


def windowed(model: Model) -> tuple[Candidate, ...]:
    """One place of each of the model's deployments that has a window: the others have the same."""
    places = {c.deployment.name: c for tier in model.tiers for c in tier if c.deployment.context_window is not None}
    return tuple(places.values())


def uncertain(request: Request, candidates: Iterable[Candidate], error: float) -> list[Candidate]:
    """Those of which an estimate that is off by this share of the prompt could say wrongly whether it fits."""
    answer, margin = request.max_tokens or 0, error * request.prompt_tokens
    return [
        c
        for c in candidates
        if (window := c.deployment.context_window) is not None
        and abs(request.prompt_tokens + answer - window) <= margin
    ]
