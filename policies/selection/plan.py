"""The plan: one synchronous, pure function that chooses where an attempt goes, for first attempts, retries and
fallbacks alike.

It reads live loads through the snapshot in one tick, so what it sees is consistent, and it changes nothing.
"""

from collections.abc import Mapping

import msgspec

from policies.learning.prefix.holders import Id
from policies.load.candidate import Candidate
from policies.selection.filters import Filter, FitsContext, Healthy, WithinRate
from policies.selection.filters.within_rate import opens_in, within_rate
from policies.selection.model import Model, Plan, Snapshot
from policies.selection.pickers.base import MANY
from policies.selection.prefix_holders import beside
from policies.selection.profile import SPARE, USUAL, Policy
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Request


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
        if policy.sample and len(candidates) > MANY:
            places = model.places[number] if model.places and exclusions is None else {}
            free = _drawn(request, policy, candidates, places, now)
            if free:
                candidate, signal = policy.best(request, free, now)
                return Plan(candidate, number, len(candidates), signal=signal)
        eligible = policy.eligible(request, candidates, now)
        free = [c for c in eligible if c.deployment.max_concurrency is None or has_room(c)]
        if free:
            candidate, signal = policy.choose(request, free, now)
            return Plan(candidate, number, len(free), signal=signal)
        full = full or bool(eligible)
    return Plan(None, full=full)


def _drawn(
    request: Request, policy: Policy, candidates: list[Candidate], places: Mapping[Id, Candidate], now: float
) -> list[Candidate]:
    """A sample of the candidates, with others in place of those that cannot be chosen, and the prompt's best holders.

    ``places``: the candidates by id; empty where nobody has made that yet.
    """
    drawn = policy.draw(request, candidates, policy.sample)
    free = _free(request, policy, drawn, now)
    if len(free) < len(drawn):
        spare = policy.draw(request, candidates, policy.sample + SPARE)  # begins with the same
        free = policy.heads(_free(request, policy, spare, now))
    held = request.matched
    if not held:
        return free
    places = places or {c.id: c for c in candidates}
    holders = [c for c in map(places.get, held) if c is not None]
    return beside(request, free, holders, lambda some: _free(request, policy, some, now))


def _free(request: Request, policy: Policy, candidates: list[Candidate], now: float) -> list[Candidate]:
    return [c for c in policy.eligible(request, candidates, now) if has_room(c)]


def sole(request: Request, model: Model, now: float) -> Plan | None:
    """What ``plan`` chooses where there is nothing to choose: the one place of the first tier, if the usual filters and
    its limit let it pass. Asked before the plan, since most models are like this; None: the plan says."""
    tiers = model.tiers
    if not tiers or len(tiers[0]) != 1 or model.policy.filters is not USUAL:
        return None
    (candidate,) = tiers[0]
    family, deployment = request.family, candidate.deployment
    passes = (
        family in deployment.families
        and (not request.features or request.features <= deployment.features)
        and candidate.domain.cooled_until <= now
        and candidate.load.available(family, now)
        and (deployment.max_concurrency is None or has_room(candidate))
    )
    return Plan(candidate, 0, 1, signal=Signal.NONE) if passes else None


def has_room(candidate: Candidate) -> bool:
    limit = candidate.deployment.max_concurrency
    return limit is None or candidate.pool.in_flight < limit


def last_resort(request: Request, model: Model, snapshot: Snapshot) -> Candidate | None:
    """Where to try when health rules every place out: a place that is up and awake, if any; never a cooling one."""
    warm = [c for c in _capable(request, model, snapshot.now) if c.domain.cooled_until <= snapshot.now]
    return min(warm, key=lambda c: (c.load.down or c.load.scraped.sleeping is True, c.load.in_flight), default=None)


def cooled_in(request: Request, model: Model, snapshot: Snapshot) -> float | None:
    """Seconds until the first of the places that cool after a rate limit is asked again; None where none cools."""
    now = snapshot.now
    ends = [c.domain.cooled_until for c in _capable(request, model, now) if c.domain.cooled_until > now]
    return min(ends) - now if ends else None


def over_rate(request: Request, model: Model, snapshot: Snapshot) -> float | None:
    """Seconds until a place that only its rate rules out is within it again; None where there is none."""
    now = snapshot.now
    if not any(isinstance(each, WithinRate) for each in model.policy.filters):
        return None
    barred = [c for c in _passing(request, model, now, WithinRate) if not within_rate(c, request.prompt_tokens, now)]
    return min((opens_in(c, request.prompt_tokens, now) for c in barred), default=None)


def too_long(request: Request, model: Model, snapshot: Snapshot) -> Candidate | None:
    """The largest of the places that only the context window rules out, where it rules out every place."""
    limited = any(isinstance(each, FitsContext) for each in model.policy.filters)
    places = _passing(request, model, snapshot.now, FitsContext) if limited else []
    if not places or model.policy.eligible(request, places, snapshot.now):
        return None
    return max(places, key=lambda c: c.deployment.context_window or 0)


def _capable(request: Request, model: Model, now: float) -> list[Candidate]:
    """What is ruled out by nothing but its health."""
    return [c for c in _passing(request, model, now, Healthy) if has_room(c)]


def _passing(request: Request, model: Model, now: float, but: type[Filter]) -> list[Candidate]:
    """The places of every tier that pass every filter but those of one kind."""
    candidates = [c for tier in model.tiers for c in tier]
    for each in model.policy.filters:
        if not isinstance(each, but):
            candidates = each.keep(request, candidates, now)
    return candidates
