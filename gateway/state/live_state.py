"""Live state: the only writer of loads, pools and domains, and the only caller of ``observe``.

State is kept by (deployment, endpoint) and by quota domain, so it survives a reload. Everything here runs on the event
loop between awaits: no locks.
"""

# compiled

import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator
from math import inf

import msgspec

from backends.contract.facts import Facts
from backends.reply.quota import Remaining
from gateway.state.difficulty import DifficultyJudge
from gateway.state.predictions import Predictions
from gateway.state.prompt_caches import PromptCaches
from policies.attempts.hedging import HedgeBudget
from policies.attempts.wait_history import Kind, Waits
from policies.learning.learners.rate import Rates
from policies.learning.learners.speed import Speed
from policies.learning.slo.forecast import Forecast
from policies.load.breaker import BreakerRules
from policies.load.candidate import Candidate, Pool
from policies.load.load import Domain, Load
from policies.load.retry_budget import RetryBudget
from policies.selection.filters.fits_context import uncertain
from policies.selection.model import Model
from policies.vocabulary.engine_state import Continues, EngineLoad
from policies.vocabulary.failure import ABSENCE, ENDPOINT_FAULTS, Failure, Fault
from policies.vocabulary.types import Request, Usage

COOL = 1.0  # seconds a domain cools after a rate limit that named no delay
COOL_MOST = 600.0  # seconds; a delay beyond that is looked at again sooner
COOL_CREDENTIAL = 60.0  # seconds a spent credential rests: nothing but a person's payment brings it back
BYTES_PER_TOKEN = 4.0  # English text in JSON, until the model's own usage teaches better
OUTPUT = 256.0  # tokens of an answer, until the model's own teach better
LEARN = 0.05  # weight of a new sample of bytes per token: some twenty requests
ERROR = 0.1  # mean error of the estimate, as a share, before any answer told
WORST = 3.0  # times the mean error that an estimate may be off
SUREST = 0.02  # no estimate is taken for better than this


class LiveState:
    """Live state of everything the configuration names."""

    def __init__(self) -> None:
        self.loads: dict[tuple[str, str], Load] = {}
        self.domains: dict[str, Domain] = {}
        self.pools: dict[str, Pool] = {}
        self.bytes_per_token: dict[str, float] = {}
        self.errors: dict[str, float] = {}  # of estimates, by model, where a context window makes it matter
        self._windowed: dict[str, tuple[Candidate, ...]] = {}  # a place of each deployment that has one, by model
        self._waits: dict[tuple[tuple[str, str], Kind], Waits] = {}
        self.hedge = HedgeBudget()
        self.output: dict[str, float] = {}  # tokens of an answer, by model
        self.turns: dict[str, Iterator[int]] = defaultdict(itertools.count)  # what `round_robin` takes, by model
        self.caches = PromptCaches()
        self.foresight = Predictions()
        self.judge = DifficultyJudge()
        self.probed: set[tuple[str, str]] = set()  # endpoints whose health is checked, and so told back up

    def load(self, id: tuple[str, str], rules: BreakerRules) -> Load:
        load = self.loads.setdefault(id, Load(rules))
        load.rules = rules
        for breaker in load.breakers.values():
            breaker.rules = rules
        return load

    def domain(self, name: str, credential: str, share: float) -> Domain:
        domain = self.domains.setdefault(name, Domain(RetryBudget(), credential))
        domain.budget.share = share
        return domain

    def forget(self, kept: set[tuple[str, str]]) -> None:
        """Drop what is of endpoints that a reload no longer names, once nothing is under way there."""
        named = {deployment for deployment, _ in kept}
        self.loads = {id: load for id, load in self.loads.items() if id in kept or load.in_flight}
        self.pools = {name: pool for name, pool in self.pools.items() if name in named or pool.in_flight}
        self._waits = {of: waits for of, waits in self._waits.items() if of[0] in kept}

    def pool(self, deployment: str, limited: bool = False) -> Pool:
        """``limited``: it has a rate limit, so its rate is counted."""
        pool = self.pools.setdefault(deployment, Pool())
        pool.rates = (pool.rates or Rates()) if limited else None
        return pool

    def learn_speeds(self, candidates: Iterable[Candidate]) -> None:
        """A client has asked for the quickest of these: learn how fast they are from now on."""
        for candidate in candidates:
            candidate.load.speed = candidate.load.speed or Speed()

    def keep_speeds(self, ids: set[tuple[str, str]]) -> None:
        """Learn how fast these endpoints are, and no others: what no policy reads is not worth its time."""
        for id, load in self.loads.items():
            load.speed = (load.speed or Speed()) if id in ids else None

    # an attempt's life

    def enter(self, candidate: Candidate, tokens: int, family: str, now: float) -> None:
        """An attempt starts: counted before anything is awaited, so that a burst sees itself."""
        load = candidate.load
        load.in_flight += 1
        load.in_flight_tokens += tokens
        pool = candidate.pool
        pool.in_flight += 1
        if pool.rates is not None:
            pool.rates.requests.observe(1, now)
            pool.rates.tokens.observe(tokens, now)
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
            self.foresight.came(candidate, request, now)

    def failed(self, candidate: Candidate, request: Request, fault: Fault, patience: float, now: float) -> None:
        """An attempt has failed before its first content, which was given ``patience`` seconds."""
        if request.blocks:
            self.computed(candidate, request, False, now)
        if candidate.load.forecasts:
            self.foresight.failed(candidate, request, fault.failure, patience, now)
        if fault.failure in ENDPOINT_FAULTS:
            self.timed(candidate, request.stream, patience, now)

    def leave(self, candidate: Candidate, request: Request) -> Forecast | None:
        """It is over, however it ended; what was foretold of it, if anything."""
        load = candidate.load
        load.in_flight -= 1
        load.in_flight_tokens -= request.prompt_tokens
        candidate.pool.in_flight -= 1
        return self.foresight.left(candidate, request) if load.forecasts else None

    def timed(self, candidate: Candidate, stream: bool, seconds: float, now: float) -> None:
        """An attempt brought content after ``seconds``; or failed, which counts as its time limit."""
        load = candidate.load
        if load.speed is not None:
            load.speed.observe(stream, seconds, load.in_flight, now)

    def answered(self, candidate: Candidate, request: Request, usage: Usage, sent_at: float, now: float) -> None:
        """An answer is whole: what it tells of the endpoint's pace, and of the rate's true use."""
        load, pool = candidate.load, candidate.pool
        if load.forecasts:
            self.foresight.answered(candidate, request, usage, now)
        if load.speed is not None:
            load.speed.answered(usage.completion, now - sent_at, load.in_flight, now)
            self.wrote(request.model, usage.completion)
        if pool.rates is not None and usage.source == "upstream":
            pool.rates.tokens.observe(max(0, usage.prompt + usage.completion - request.prompt_tokens), now)

    def observe(self, candidate: Candidate, family: str, fault: Fault | None, began: float, now: float) -> None:
        """What an attempt that ``began`` then says of its endpoint and its quota domain."""
        load = candidate.load
        if fault is None:
            if family in load.breakers:
                load.breakers[family].observe(True, began, now)
            return
        if fault.failure is Failure.RATE_LIMITED:
            self._cool(candidate.domain, fault, now)
        if fault.failure is Failure.UNREACHABLE and candidate.id in self.probed:
            load.down = True
            load.breaker(family).observe(None, began, now)  # its health check speaks for it now, not a half-open probe
        elif fault.failure in ABSENCE:
            load.breaker(family).trip(began, now)
        elif fault.failure in ENDPOINT_FAULTS:
            load.breaker(family).observe(False, began, now)
        elif family in load.breakers:
            load.breakers[family].observe(None, began, now)

    def _cool(self, domain: Domain, fault: Fault, now: float) -> None:
        if fault.credential:
            for other in self.domains.values():
                if other.credential == domain.credential:
                    other.cooled_until = max(other.cooled_until, now + COOL_CREDENTIAL)
        delay = COOL if fault.retry_after is None else min(fault.retry_after, COOL_MOST)
        domain.cooled_until = max(domain.cooled_until, now + delay)

    def waits(self, candidate: Candidate, kind: Kind) -> Waits:
        """How long requests of this kind have waited there."""
        return self._waits.setdefault((candidate.id, kind), Waits())

    def waited(self, candidate: Candidate, kind: Kind, seconds: float) -> None:
        """An attempt committed after ``seconds``, or was stopped then: it would have waited that long at least."""
        self.waits(candidate, kind).observe(seconds)

    def metered(self, candidate: Candidate, left: Remaining, now: float) -> None:
        """What a reply's headers leave of the upstream's limits: until then it is asked for no more than that."""
        domain = candidate.domain
        domain.requests_left = inf if left.requests is None else left.requests
        domain.tokens_left = inf if left.tokens is None else left.tokens
        domain.left_until = now + min(left.lasts() or COOL, COOL_MOST)

    # what an endpoint's cache is believed to hold

    def foreseen(self, request: Request, model: Model) -> Request:
        """The request with what predictions and prices say of it. Its prompt is one block where it has none, so that
        what it owes is counted."""
        now = request.received
        output, late_price, home = self.foresight.asked(request, model, now)
        blocks, size = request.blocks or (request.seed,), request.block_tokens or float(request.prompt_tokens)
        return msgspec.structs.replace(
            request, blocks=blocks, block_tokens=size, expected_output=output, late_price=late_price, home=home
        )

    def judged(self, request: Request, facts: Facts, model: Model) -> Request:
        """The request with how hard its prompt is."""
        difficulty, threshold = self.judge.judged(facts, model)
        return msgspec.structs.replace(request, difficulty=difficulty, threshold=threshold)

    def placed(self, request: Request, blocks: tuple[int, ...], block_tokens: float) -> Request:
        """The request with its blocks, of so many tokens each, and what of them each endpoint is believed to hold."""
        return self.caches.placed(request, blocks, block_tokens)

    def hold(self, candidate: Candidate, request: Request, now: float, facts: Facts | None = None) -> None:
        """The endpoint is sent a prompt, which it computes but for what it holds, and then holds."""
        load, id = candidate.load, candidate.id
        if load.predictor is not None:
            self.foresight.sent(candidate, request, now)
        load.backlog.add(request.seed, request.prompt_tokens - (request.matched or {}).get(id, 0), now)
        self.caches.hold(candidate, request, now, facts)

    def computed(self, candidate: Candidate, request: Request, done: bool, now: float) -> None:
        """Its prompt is computed (it has brought content), or never will be."""
        candidate.load.backlog.observe(request.seed, done, now)
        if done and self.caches.of:
            self.caches.computed(candidate.id, request)

    # what the probes see

    def healthy(self, id: tuple[str, str], ok: bool) -> None:
        load = self.loads[id]
        load.down = not ok
        if not ok:
            load.continues = Continues.UNKNOWN  # what comes back may be another engine
            self._anew(id)

    def continues(self, id: tuple[str, str], how: Continues) -> None:
        """How an endpoint goes on from a text, as it was asked."""
        self.loads[id].continues = how

    def scraped(self, id: tuple[str, str], seen: EngineLoad, now: float) -> None:
        load = self.loads[id]
        if seen.sleeping or (seen.prefix_queries or 0.0) < (load.scraped.prefix_queries or 0.0):
            self._anew(id)  # it sleeps, or counts from zero again: its cache is empty
        if self.caches.of:
            self.caches.seen(id, seen)
        load.scraped, load.scraped_at, load.own_at_scrape = seen, now, load.in_flight

    def _anew(self, id: tuple[str, str]) -> None:
        """What was learned of an engine is not true of the one that takes its place."""
        self.caches.emptied(id)
        predictor = self.loads[id].predictor
        if predictor is not None:
            predictor.restarted()

    # tokens

    def estimate(self, model: str, size: int) -> int:
        """Prompt tokens of a body of ``size`` bytes."""
        return int(size / self.bytes_per_token.get(model, BYTES_PER_TOKEN)) + 1

    def keep_errors(self, models: Iterable[Model]) -> None:
        """Learn how far off estimates are for these models: those whose requests may be too long for a place."""
        self._windowed = {each.name: each.windowed() for each in models}
        self.errors = {name: self.errors.get(name, ERROR) for name in self._windowed}

    def uncertain(self, request: Request, model: Model) -> list[Candidate]:
        """A place of each deployment of the model's of which the estimate cannot say whether the request fits."""
        places = self._windowed.get(model.name)
        return uncertain(request, places, max(SUREST, WORST * self.errors[model.name])) if places else []

    def tokens(self, model: str, size: int) -> float:
        """What ``size`` bytes of its prompts come to."""
        return size / self.bytes_per_token.get(model, BYTES_PER_TOKEN)

    def expect(self, model: str) -> int:
        """Output tokens of an answer."""
        return int(self.output.get(model, OUTPUT))

    def wrote(self, model: str, tokens: int) -> None:
        """An answer was so many tokens."""
        mean = self.output.get(model, OUTPUT)
        self.output[model] = mean + LEARN * (tokens - mean)

    def learn(self, model: str, size: int, tokens: int) -> None:
        """A body of ``size`` bytes (0: they tell nothing) was ``tokens`` prompt tokens."""
        if tokens > 0 and size:
            ratio = self.bytes_per_token.get(model, BYTES_PER_TOKEN)
            if self.errors and model in self.errors:
                self.errors[model] += LEARN * (abs(size / ratio / tokens - 1.0) - self.errors[model])
            self.bytes_per_token[model] = ratio + LEARN * (size / tokens - ratio)
