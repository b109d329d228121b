"""State that all processes and hosts of one gateway have in common: quota domains, and rates of deployments.

Decisions read a local copy (``Domain``, ``Pool.rates``) within their tick and never wait; what happens is told to a
``SharedState``, which alone writes that copy. Today's keeps it in this process's memory.
"""

# compiled

from math import inf
from typing import Protocol

from backends.reply.quota import Remaining
from policies.load.candidate import Pool
from policies.load.load import Domain
from policies.load.retry_budget import RetryBudget
from policies.vocabulary.failure import Fault

COOL = 1.0  # seconds a domain cools after a rate limit that named no delay
COOL_MOST = 600.0  # seconds; a delay beyond that is looked at again sooner
COOL_CREDENTIAL = 60.0  # seconds a spent credential rests: nothing but a person's payment brings it back


class SharedState(Protocol):
    """``now`` is monotonic seconds."""

    def domain(self, key: str, credential: str, retry_budget: float) -> Domain:
        """The local copy of a quota domain, made when first asked for. ``retry_budget``: a share of the requests."""

    def keep(self, keys: set[str]) -> None:
        """The domains that endpoints are in, of which the others are forgotten."""

    def cool(self, domain: Domain, fault: Fault, now: float) -> None:
        """An upstream has limited the rate: for as long as it said, nothing of the domain is asked."""

    def metered(self, domain: Domain, left: Remaining, now: float) -> None:
        """What a reply's headers leave of the upstream's limits: until then it is asked for no more than that."""

    def spend(self, pool: Pool, requests: int, tokens: int, now: float) -> None:
        """What a deployment with a limit of ours was asked for."""


class LocalState:
    """The shared state of one process alone."""

    def __init__(self) -> None:
        self._domains: dict[str, Domain] = {}

    def domain(self, key: str, credential: str, retry_budget: float) -> Domain:
        domain = self._domains.get(key)
        if domain is None:
            domain = self._domains[key] = Domain(key, RetryBudget(), credential)
        domain.budget.share = retry_budget
        return domain

    def keep(self, keys: set[str]) -> None:
        self._domains = {key: domain for key, domain in self._domains.items() if key in keys}

    def cool(self, domain: Domain, fault: Fault, now: float) -> None:
        if fault.credential:
            for other in self._domains.values():
                if other.credential == domain.credential:
                    other.cooled_until = max(other.cooled_until, now + COOL_CREDENTIAL)
        delay = COOL if fault.retry_after is None else min(fault.retry_after, COOL_MOST)
        domain.cooled_until = max(domain.cooled_until, now + delay)

    def metered(self, domain: Domain, left: Remaining, now: float) -> None:
        domain.requests_left = inf if left.requests is None else left.requests
        domain.tokens_left = inf if left.tokens is None else left.tokens
        domain.left_until = now + min(left.lasts() or COOL, COOL_MOST)

    def spend(self, pool: Pool, requests: int, tokens: int, now: float) -> None:
        if pool.rates is not None:
            pool.rates.requests.observe(requests, now)
            pool.rates.tokens.observe(tokens, now)
