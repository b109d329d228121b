"""Within price: the price per million tokens is at most the given one. A self-hosted engine without a price passes; a
cloud with an unknown price does not.
"""

from policies.load.candidate import Candidate
from policies.selection.filters.base import Filter
from policies.vocabulary.types import Request


class WithinPrice(Filter, frozen=True, tag="within_price"):
    """USD per 1M tokens; None: any."""

    input: float | None = None
    output: float | None = None

    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        return [c for c in candidates if self._allows(c, request.prompt_tokens)]

    def _allows(self, candidate: Candidate, prompt_tokens: int) -> bool:
        price = candidate.deployment.price
        if price is None:
            return candidate.deployment.own
        price = price.at(prompt_tokens)
        return (self.input is None or price.input <= self.input) and (
            self.output is None or price.output <= self.output
        )
