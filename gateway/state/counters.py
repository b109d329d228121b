"""Local counters of each endpoint, moved by every attempt, reply and probe: the only writer of loads and pools.

They are this process's own and never shared. Everything runs on the event loop between awaits: no locks.
"""

# compiled

from collections.abc import Iterable

from backends.contract.facts import Facts
from gateway.state.endpoints import Endpoints
from gateway.state.estimates import Estimates
from gateway.state.predictions import Predictions
from gateway.state.prompt_caches import PromptCaches
from gateway.state.shared import SharedState
from policies.attempts.wait_history import Kind, Waits
from policies.learning.learners.speed import Speed
from policies.learning.slo.forecast import Forecast
from policies.load.candidate import Candidate
from policies.selection.model import Id, Model
from policies.vocabulary.engine_state import Continues, EngineLoad
from policies.vocabulary.failure import ABSENCE, ENDPOINT_FAULTS, Failure, Fault
from policies.vocabulary.types import Deployment, Request, Usage


class Counters:
    """``probed``: endpoints whose health is checked, and so told back up."""

    def __init__(
        self,
        endpoints: Endpoints,
        shared: SharedState,
        estimates: Estimates,
        predictions: Predictions,
        caches: PromptCaches,
    ) -> None:
        self._endpoints = endpoints
        self._shared = shared
        self._estimates = estimates
        self._predictions = predictions
        self._caches = caches
        self._timed: set[str] = set()  # deployments of which some policy reads how fast they are
        self._waits: dict[tuple[Id, Kind], Waits] = {}
        self.probed: set[Id] = set()

    # endpoints come and go

    def follow(self, models: Iterable[Model]) -> None:
        """Learn how fast the endpoints are of which these models' policies read it, and no others."""
        self._timed = {each.name for model in models if "speed" in model.policy.needs for each in model.deployments}

    def appeared(self, candidate: Candidate) -> None:
        load = candidate.load
        load.speed = (load.speed or Speed()) if candidate.id[0] in self._timed else None

    def learn_speeds(self, deployments: Iterable[Deployment]) -> None:
        """A client has asked for the quickest of these: learn how fast they are from now on."""
        for deployment in deployments:
            for candidate in self._endpoints.by_deployment.get(deployment.name, ()):
                candidate.load.speed = candidate.load.speed or Speed()

    def tidy(self) -> None:
        """Forget how long requests waited at endpoints that nothing else is kept of."""
        self._waits = {of: waits for of, waits in self._waits.items() if self._endpoints.knows(of[0])}

    # an attempt's life

    def enter(self, candidate: Candidate, tokens: int, family: str, now: float) -> None:
        """An attempt starts: counted before anything is awaited, so that a burst sees itself."""
        load = candidate.load
        load.in_flight += 1
        load.in_flight_tokens += tokens
        pool = candidate.pool
        pool.in_flight += 1
        if pool.rates is not None:
            self._shared.spend(pool, 1, tokens, now)
        if load.breakers and family in load.breakers:
            load.breakers[family].enter(now)

    def committed(self, candidate: Candidate, request: Request, seconds: float, began: float, now: float) -> None:
        """An attempt that ``began`` then has brought its first content, ``seconds`` after it was sent."""
        load = candidate.load
        if load.breakers and request.family in load.breakers:
            load.breakers[request.family].prove(began, now)
        if load.speed is not None:
            self.timed(candidate, request.stream, seconds, now)
        if request.blocks:
            self.computed(candidate, request, True, now)
        if load.forecasts:
            self._predictions.came(candidate, request, now)

    def failed(self, candidate: Candidate, request: Request, fault: Fault, patience: float, now: float) -> None:
        """An attempt has failed before its first content, which was given ``patience`` seconds."""
        if request.blocks:
            self.computed(candidate, request, False, now)
        if candidate.load.forecasts:
            self._predictions.failed(candidate, request, fault.failure, patience, now)
        if fault.failure in ENDPOINT_FAULTS:
            self.timed(candidate, request.stream, patience, now)

    def leave(self, candidate: Candidate, request: Request) -> Forecast | None:
        """It is over, however it ended; what was foretold of it, if anything."""
        load = candidate.load
        load.in_flight -= 1
        load.in_flight_tokens -= request.prompt_tokens
        candidate.pool.in_flight -= 1
        return self._predictions.left(candidate, request) if load.forecasts else None

    def timed(self, candidate: Candidate, stream: bool, seconds: float, now: float) -> None:
        """An attempt brought content after ``seconds``; or failed, which counts as its time limit."""
        load = candidate.load
        if load.speed is not None:
            load.speed.observe(stream, seconds, load.in_flight, now)

    def answered(self, candidate: Candidate, request: Request, usage: Usage, sent_at: float, now: float) -> None:
        """An answer is whole: what it tells of the endpoint's pace, and of the rate's true use."""
        load, pool = candidate.load, candidate.pool
        if load.forecasts:
            self._predictions.answered(candidate, request, usage, now)
        if load.speed is not None:
            load.speed.answered(usage.completion, now - sent_at, load.in_flight, now)
            self._estimates.wrote(request.model, usage.completion)
        if pool.rates is not None and usage.source == "upstream":
            more = usage.prompt + usage.completion - request.prompt_tokens
            self._shared.spend(pool, 0, max(0, more), now)

    def observe(self, candidate: Candidate, family: str, fault: Fault | None, began: float, now: float) -> None:
        """What an attempt that ``began`` then says of its endpoint and its quota domain."""
        load = candidate.load
        if fault is None:
            if family in load.breakers:
                load.breakers[family].observe(True, began, now)
            return
        if fault.failure is Failure.RATE_LIMITED:
            self._shared.cool(candidate.domain, fault, now)
        if fault.failure is Failure.UNREACHABLE and candidate.id in self.probed:
            load.down = True
            load.breaker(family).observe(None, began, now)  # its health check speaks for it now, not a half-open probe
        elif fault.failure in ABSENCE:
            load.breaker(family).trip(began, now)
        elif fault.failure in ENDPOINT_FAULTS:
            load.breaker(family).observe(False, began, now)
        elif family in load.breakers:
            load.breakers[family].observe(None, began, now)

    def waits(self, candidate: Candidate, kind: Kind) -> Waits:
        """How long requests of this kind have waited there."""
        return self._waits.setdefault((candidate.id, kind), Waits())

    def waited(self, candidate: Candidate, kind: Kind, seconds: float) -> None:
        """An attempt committed after ``seconds``, or was stopped then: it would have waited that long at least."""
        self.waits(candidate, kind).observe(seconds)

    def hold(self, candidate: Candidate, request: Request, now: float, facts: Facts | None = None) -> None:
        """The endpoint is sent a prompt, which it computes but for what it holds, and then holds."""
        load, id = candidate.load, candidate.id
        if load.predictor is not None:
            self._predictions.sent(candidate, request, now)
        load.backlog.add(request.seed, request.prompt_tokens - (request.matched or {}).get(id, 0), now)
        self._caches.hold(candidate, request, now, facts)

    def computed(self, candidate: Candidate, request: Request, done: bool, now: float) -> None:
        """Its prompt is computed (it has brought content), or never will be."""
        candidate.load.backlog.observe(request.seed, done, now)
        if done and self._caches.of:
            self._caches.computed(candidate.id, request)

    def recovers(self, candidate: Candidate, tokens: float, now: float) -> None:
        """A stream that died elsewhere goes on there, with so many tokens to compute anew."""
        candidate.load.recoveries.reserve(tokens, now)

    # what the probes see

    def healthy(self, id: Id, ok: bool) -> None:
        load = self._endpoints.all[id].load
        load.down = not ok
        if not ok:
            load.continues = Continues.UNKNOWN  # what comes back may be another engine
            self._anew(id)

    def continues(self, id: Id, how: Continues) -> None:
        """How an endpoint goes on from a text, as it was asked."""
        self._endpoints.all[id].load.continues = how

    def scraped(self, id: Id, seen: EngineLoad, now: float) -> None:
        load = self._endpoints.all[id].load
        if seen.sleeping or (seen.prefix_queries or 0.0) < (load.scraped.prefix_queries or 0.0):
            self._anew(id)  # it sleeps, or counts from zero again: its cache is empty
        if self._caches.of:
            self._caches.seen(id, seen)
        load.scraped, load.scraped_at, load.own_at_scrape = seen, now, load.in_flight

    def _anew(self, id: Id) -> None:
        """What was learned of an engine is not true of the one that takes its place."""
        self._caches.emptied(id)
        predictor = self._endpoints.all[id].load.predictor
        if predictor is not None:
            predictor.restarted()
