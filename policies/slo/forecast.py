"""A forecast. Rule: what an attempt is expected to take; kept from when it is sent until what it took is known."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

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


def foretold(request: Request, candidate: Candidate, target: Target, now: float) -> Estimate | None:
    """What the request would take there; None where nothing is foretold of the place."""
    load = candidate.load
    if load.predictor is None:
        return None
    waiting = len(load.backlog.owed)
    cached = (request.matched or {}).get(candidate.id, 0)
    situation = Situation(
        max(request.prompt_tokens - cached, 1),
        load.backlog.at(now),
        max(load.in_flight - waiting, 0),
        waiting,
        load.resident,
    )
    output = request.expected_output
    if request.max_tokens is not None:
        output = min(output, request.max_tokens)
    oldest = next(iter(load.forecasts.values()), None)
    overdue = (now - oldest.sent) / oldest.limit if oldest is not None and not oldest.first_at else 1.0
    capacity = load.scraped.kv_tokens
    return estimate(load.predictor, situation, request.prompt_tokens, output, target, capacity, now, overdue)
