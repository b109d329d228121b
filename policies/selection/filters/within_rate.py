"""Within rate: the last minute's requests and tokens, and what the upstream reported as left, allow one more. A prompt
larger than the whole limit passes in a minute without other traffic.
"""

from policies.load.candidate import Candidate
from policies.selection.filters.base import Filter
from policies.vocabulary.types import Request


class WithinRate(Filter, frozen=True, tag="within_rate"):
    def keep(self, request: Request, candidates: list[Candidate], now: float) -> list[Candidate]:
        return [c for c in candidates if within_rate(c, request.prompt_tokens, now)]


def within_rate(candidate: Candidate, tokens: int, now: float) -> bool:
    """Whether a request of ``tokens`` prompt tokens may go there now."""
    rates, deployment, domain = candidate.pool.rates, candidate.deployment, candidate.domain
    if domain.left_until > now and (domain.requests_left < 1 or domain.tokens_left < tokens):
        return False
    if rates is None:
        return True
    if deployment.rpm is not None and rates.requests.at(now) >= deployment.rpm:
        return False
    used = rates.tokens.at(now) if deployment.tpm is not None else 0.0
    return deployment.tpm is None or used == 0.0 or used + tokens <= deployment.tpm


def opens_in(candidate: Candidate, tokens: int, now: float) -> float:
    """Seconds until ``within_rate`` may hold again, if nothing more is sent there."""
    rates, deployment, domain = candidate.pool.rates, candidate.deployment, candidate.domain
    waits = [0.0]
    if domain.left_until > now and (domain.requests_left < 1 or domain.tokens_left < tokens):
        waits.append(domain.left_until - now)
    if rates is not None and deployment.rpm is not None:
        waits.append(rates.requests.opens_in(deployment.rpm - 1, now))
    if rates is not None and deployment.tpm is not None:
        waits.append(rates.tokens.opens_in(max(0.0, deployment.tpm - tokens), now))
    return max(waits)
