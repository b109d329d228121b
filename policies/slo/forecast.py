"""A forecast. Rule: what an attempt is expected to take; kept from when it is sent until what it took is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from policies.predict.coverage import Told
from policies.predict.latency import Situation
from policies.slo.estimate import Estimate, Target, estimate

if TYPE_CHECKING:
    from policies.types import Candidate, Request


class Forecast(msgspec.Struct, gc=False):
    """``sent`` and ``first_at`` are monotonic seconds, the latter 0 before the first token. ``limit``: seconds after
    which its silence is a sign (its own 95th percentile). ``resident``: tokens it keeps in the endpoint's memory."""

    estimate: Estimate
    sent: float
    limit: float
    resident: float
    first_at: float = 0.0
    missed: bool = False  # its first token was late
    told: Told = ()  # of one attempt in a few, to count how well such predictions hold

    def met(self, running: float, resident: float) -> Situation:
        """What it met while it lasted, with so much there at its end: the mean of the two."""
        began = self.estimate.situation
        return msgspec.structs.replace(
            began, running=(began.running + running) / 2, resident=(began.resident + resident) / 2
        )


def foretold(request: Request, candidate: Candidate, target: Target, now: float, sent: bool = False) -> Estimate | None:
    """What the request would take there; None where nothing is foretold of the place. ``sent``: it has just been
    counted among those in flight there."""
    load = candidate.load
    if load.predictor is None:
        return None
    situation = _met(request, candidate, now, candidate.load.in_flight - sent)
    output = request.expected_output
    if request.max_tokens is not None:
        output = min(output, request.max_tokens)
    capacity = load.scraped.kv_tokens
    overdue = _overdue(candidate, now)
    return estimate(load.predictor, situation, request.prompt_tokens, output, target, capacity, now, overdue)


def _met(request: Request, candidate: Candidate, now: float, ours: int) -> Situation:
    """What the request would meet there: ours, of which we know all, and what other gateways have sent (the scrape less
    what was ours then), taken to be like this one."""
    load, prompt = candidate.load, request.prompt_tokens
    uncached = max(prompt - request.matched.get(candidate.id, 0), 1) if request.matched else prompt
    waiting = len(load.backlog.owed)
    ahead, running, resident = load.backlog.at(now) if waiting else 0.0, max(ours - waiting, 0), load.resident
    seen = load.scraped
    if (seen.running or 0.0) + (seen.waiting or 0.0) <= load.own_at_scrape or (queued := load.queued(now)) is None:
        return Situation(uncached, ahead, running, waiting, resident)
    others = queued - load.in_flight
    theirs = others * (seen.waiting or 0.0) / ((seen.waiting or 0.0) + (seen.running or 0.0))
    resident += (others - theirs) * (prompt + request.expected_output)
    return Situation(uncached, ahead + theirs * prompt, running + others - theirs, waiting + theirs, resident, others)


def _overdue(candidate: Candidate, now: float) -> float:
    """How many times its own 95th percentile the oldest attempt without a first token has waited: a sign that comes
    before its answer does."""
    load = candidate.load
    oldest = load.forecasts.get(next(iter(load.backlog.owed), -1))
    return 1.0 if oldest is None or not oldest.limit else (now - oldest.sent) / oldest.limit
