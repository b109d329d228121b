"""Predictions for a request at each candidate: time to first token, work, and the risk of an SLO miss."""

from policies.learning.predict.latency import LoadFeatures
from policies.learning.slo.estimate import Estimate, EstimateQuery, FastEstimate, LoadValues, Slo
from policies.load.candidate import Candidate
from policies.load.load import Load
from policies.vocabulary.types import Request


def foretold(request: Request, candidate: Candidate, target: Slo, now: float, sent: bool = False) -> Estimate | None:
    """What the request would take there; None where nothing is foretold of the place. ``sent``: it has just been
    counted among those in flight there."""
    load = candidate.load
    if load.predictor is None:
        return None
    met = LoadFeatures(*_met(request, candidate, now, load.in_flight - sent))
    capacity = load.scraped.kv_tokens
    return _question(request, target).estimate(load.predictor, met, capacity, now, _overdue(load, now))


def glances(request: Request, candidates: list[Candidate], target: Slo, now: float) -> list[FastEstimate] | None:
    """The same of each place, as far as a plan needs it; None where nothing is foretold of some."""
    glance, found = _question(request, target).glance, []
    for candidate in candidates:
        load = candidate.load
        if load.predictor is None:
            return None
        met = _met(request, candidate, now, load.in_flight)
        found.append(glance(load.predictor, met, load.scraped.kv_tokens, now, _overdue(load, now)))
    return found


def first_tokens(request: Request, candidates: list[Candidate], now: float) -> list[float] | None:
    """Seconds to the first token at each place; None where nothing is foretold of some."""
    found = []
    for candidate in candidates:
        load = candidate.load
        if load.predictor is None:
            return None
        uncached, ahead, running, waiting, resident, _ = _met(request, candidate, now, load.in_flight)
        seconds = load.predictor.look(uncached, ahead, running, waiting, resident, now)[0]
        found.append(seconds * max(1.0, _overdue(load, now)))
    return found


def _question(request: Request, target: Slo) -> EstimateQuery:
    """What is asked of every place alike."""
    prompt, output = request.prompt_tokens, request.expected_output
    if request.max_tokens is not None and request.max_tokens < output:
        output = request.max_tokens
    return EstimateQuery(prompt, output, target.first(prompt), target.tpot if output > 1 else None)


def _met(request: Request, candidate: Candidate, now: float, ours: int) -> LoadValues:
    """What the request would meet there: ours, of which we know all, and what other gateways have sent (the scrape less
    what was ours then), taken to be like this one."""
    load, prompt, matched = candidate.load, request.prompt_tokens, request.matched
    uncached = max(prompt - matched.get(candidate.id, 0), 1) if matched else prompt
    waiting, resident = len(load.backlog.owed), load.resident
    ahead = load.backlog.at(now) if waiting else 0.0
    running = ours - waiting if ours > waiting else 0
    seen = load.scraped
    if (seen.running or 0.0) + (seen.waiting or 0.0) <= load.own_at_scrape or (queued := load.queued(now)) is None:
        return uncached, ahead, running, waiting, resident, 0.0
    others = queued - load.in_flight
    theirs = others * (seen.waiting or 0.0) / ((seen.waiting or 0.0) + (seen.running or 0.0))
    resident += (others - theirs) * (prompt + request.expected_output)
    return uncached, ahead + theirs * prompt, running + others - theirs, waiting + theirs, resident, others


def _overdue(load: Load, now: float) -> float:
    """How many times its own 95th percentile the oldest attempt without a first token has waited: a sign that comes
    before its answer does."""
    owed = load.backlog.owed
    oldest = load.forecasts.get(next(iter(owed))) if owed else None
    return 1.0 if oldest is None or not oldest.limit else (now - oldest.sent) / oldest.limit
