"""Fits context: prompt and asked-for answer fit into the deployment's context window, by a count where there is one."""

from collections.abc import Iterable
from typing import ClassVar

from policies.load.candidate import Candidate
from policies.selection.filters.base import Filter
from policies.vocabulary.needs import Need
from policies.vocabulary.types import Deployment, Request


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


def uncertain(request: Request, deployments: Iterable[Deployment], error: float) -> list[Deployment]:
    """Those of which an estimate that is off by this share of the prompt could say wrongly whether it fits."""
    answer, margin = request.max_tokens or 0, error * request.prompt_tokens
    return [
        each
        for each in deployments
        if (window := each.context_window) is not None and abs(request.prompt_tokens + answer - window) <= margin
    ]
