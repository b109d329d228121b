"""Within price: the price per million tokens is at most the given one. A self-hosted engine without a price passes; a
cloud with an unknown price does not.
"""

from policies.load.candidate import Candidate
from policies.selection.filters.base import Filter
from policies.vocabulary.types import Request
from policies.vocabulary.units import Dollars


class WithinPrice(Filter, frozen=True, tag="within_price"):
    """Deployments whose tokens cost no more than this; a cloud with an unknown price is left out.

    input: The most a million prompt tokens may cost, in USD.
    output: The most a million generated tokens may cost, in USD.
    """

    input: Dollars | None = None
    output: Dollars | None = None

    def __post_init__(self) -> None:
        if self.input is None and self.output is None:
            raise ValueError("kind within_price needs input or output")

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
