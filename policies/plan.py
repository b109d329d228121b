"""The plan. Rule: one synchronous, pure function chooses where an attempt goes; every door, retry and fallback asks it.

It reads live loads through the snapshot in one tick, so what it sees is consistent, and it changes nothing.
"""

import msgspec

from policies.types import Candidate, Model, Plan, Request, Snapshot


class Exclusions(msgspec.Struct):
    """What a request has already tried and must not try again."""

    endpoints: set[tuple[str, str]] = set()
    deployments: set[str] = set()
    domains: set[int] = set()  # by identity of the live Domain
    only: str = ""  # a retry stays in this deployment

    def keep(self, candidates: tuple[Candidate, ...]) -> list[Candidate]:
        return [
            c
            for c in candidates
            if (not self.only or c.deployment.name == self.only)
            and c.deployment.name not in self.deployments
            and c.id not in self.endpoints
            and id(c.domain) not in self.domains
        ]


def plan(request: Request, model: Model, snapshot: Snapshot, exclusions: Exclusions | None = None) -> Plan:
    """Choose a candidate from the first tier that has one; shape: Plan(candidate | None, tier, considered, full)."""
    full = False
    policy, now = model.policy, snapshot.now
    for number, tier in enumerate(model.tiers):
        candidates = list(tier) if exclusions is None else exclusions.keep(tier)
        eligible = policy.eligible(request, candidates, now)
        free = [c for c in eligible if c.deployment.max_concurrency is None or has_room(c)]
        if free:
            return Plan(policy.choose(request, free, now), number, len(free))
        full = full or bool(eligible)
    return Plan(None, full=full)


def has_room(candidate: Candidate) -> bool:
    limit = candidate.deployment.max_concurrency
    return limit is None or candidate.pool.in_flight < limit


def last_resort(request: Request, model: Model, snapshot: Snapshot) -> Candidate | None:
    """Where to try when health rules every place out: a place that is up and awake, if any; never a cooling one."""
    warm = [c for c in _capable(request, model) if c.domain.cooled_until <= snapshot.now]
    return min(warm, key=lambda c: (c.load.down or c.load.scraped.sleeping is True, c.load.in_flight), default=None)


def cooled_in(request: Request, model: Model, snapshot: Snapshot) -> float | None:
    """Seconds until the first of the places that cool after a rate limit is asked again; None where none cools."""
    now = snapshot.now
    ends = [c.domain.cooled_until for c in _capable(request, model) if c.domain.cooled_until > now]
    return min(ends) - now if ends else None


def _capable(request: Request, model: Model) -> list[Candidate]:
    family, needs = request.family, request.needs
    places = [
        c for tier in model.tiers for c in tier if family in c.deployment.families and needs <= c.deployment.features
    ]
    return [c for c in places if has_room(c)]
