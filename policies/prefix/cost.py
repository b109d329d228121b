"""What a prefix is worth. Rule: tokens that an endpoint holds already are tokens it need not compute."""

from policies.load import Load
from policies.types import Request


def uncached(request: Request, load: Load, now: float) -> float:
    """Prompt tokens that the endpoint would have to compute, as far as is known."""
    blocks = request.blocks
    if not blocks or load.prefix is None:
        return float(request.prompt_tokens)
    return request.prompt_tokens * (1 - load.prefix.match(blocks, now) / len(blocks))
