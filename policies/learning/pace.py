"""The pace of an answer: seconds for each token after its first."""

SHORTEST = 8  # tokens; the pace of a shorter answer is its first token's wait and little else


def pace(first: float, end: float, tokens: int) -> float | None:
    """Of an answer of ``tokens`` tokens, the first of which came at ``first`` (seconds) and the last at ``end``; None:
    there is no token after the first."""
    return (end - first) / (tokens - 1) if tokens > 1 else None
