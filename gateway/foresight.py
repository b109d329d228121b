"""Foresight. Rule: the live state that predictions and prices are learned in; the live ledger alone moves it.

Kept only for models whose policy reads it. A hardware class is a deployment's; a pool's shadow price is its own; the
price of a miss is a model's.
"""

from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from policies.failure import ENDPOINT_FAULTS, Failure
from policies.predict.latency import HardwareClass, LatencyPredictor, hardware
from policies.predict.length import Lengths
from policies.scorers.cost import expected_cost
from policies.scorers.slo_cost import SloCost
from policies.slo.estimate import Target
from policies.slo.forecast import Forecast, foretold
from policies.slo.misses import MissPrice
from policies.slo.shadow import ShadowPrice
from policies.types import Candidate, Model, Request, Usage

HOMES = 65_536  # conversations whose place is remembered
LATE = 0.95  # the share of its own prediction after which an attempt's silence is a sign
RESIDENCE = 5.0  # seconds a request stays, before any was seen
SHORTEST = 8  # tokens; the pace of a shorter answer says little


class Foresight:
    """Everything that `slo_cost` and its kin learn."""

    def __init__(self) -> None:
        self._classes: dict[str, HardwareClass] = {}
        self._misses: dict[str, MissPrice] = {}
        self._lengths: dict[str, Lengths] = {}
        self._residence: dict[str, float] = {}  # seconds, by deployment
        self._homes: OrderedDict[int, str] = OrderedDict()
        self._models: dict[str, Model] = {}  # those that ask for it
        self._replicas: dict[str, int] = {}

    def keep(self, models: Iterable[Model]) -> None:
        """Learn of these models' places, where their policy asks for it; what was learned survives a reload."""
        self._models = {}
        for model in models:
            if "foresight" not in model.policy.needs:
                continue
            self._models[model.name] = model
            for candidate in {c.id: c for tier in model.tiers for c in tier}.values():
                self._watch(candidate)
            for name in {c.deployment.name for tier in model.tiers for c in tier}:
                self._replicas[name] = sum(c.deployment.name == name for tier in model.tiers for c in tier)

    def _watch(self, candidate: Candidate) -> None:
        name, own = candidate.deployment.name, candidate.deployment.price is None and candidate.deployment.own
        shared = self._classes.setdefault(name, hardware(cloud=not own))
        if candidate.load.predictor is None:
            candidate.load.predictor = LatencyPredictor(shared)
        if own and candidate.pool.shadow is None:
            candidate.pool.shadow = ShadowPrice()

    @property
    def classes(self) -> Mapping[str, HardwareClass]:
        """What was learned of each deployment."""
        return self._classes

    def targets(self) -> Iterator[tuple[str, MissPrice, float]]:
        """Each model with a service level: what came of it, and the share of misses that it permits."""
        for name, misses in self._misses.items():
            if name in self._models:
                yield name, misses, _target(self._models[name]).allowed

    def learned(self) -> dict[str, dict[str, Any]]:
        """What outlives the process, by kind and name; it is moved here alone, and when a process begins."""
        return {"class": self._classes, "miss": self._misses, "lengths": self._lengths}

    # before a decision

    def asked(self, request: Request, model: Model, now: float) -> tuple[int, float, str]:
        """What a request is to know before it is placed: tokens it will bring back, the price of missing its target,
        and where its conversation was answered last. Brings the pools' prices up to date."""
        lengths = self._lengths.get(model.name)
        output = round((lengths or Lengths()).mean(request.max_tokens))
        if model.name not in self._models:  # a fallback of this model is ranked by it, but not the model
            return output, 0.0, ""
        pools = {c.deployment.name: c for tier in model.tiers for c in tier if c.pool.shadow is not None}
        for name, candidate in pools.items():
            pool = candidate.pool
            assert pool.shadow is not None
            pool.shadow.at(now, pool.work, self._horizon(name, _target(model), request, output), self._replicas[name])
        misses = self._misses.setdefault(model.name, MissPrice())
        home = self._homes.get(request.conversation, "") if request.conversation else ""
        return output, misses.at(now, _target(model).allowed), home

    # an attempt's life

    def sent(self, candidate: Candidate, request: Request, now: float) -> None:
        """An attempt starts: what it is expected to take is noted, and what it is worth to a cloud."""
        model = self._models.get(request.model)
        estimate = foretold(request, candidate, _target(model), now) if model is not None else None
        if model is None or estimate is None:
            return
        load, pool = candidate.load, candidate.pool
        tokens = float(request.prompt_tokens + request.expected_output)
        load.forecasts[request.seed] = Forecast(estimate, now, estimate.first.quantile(LATE), tokens)
        load.resident += tokens
        pool.work += estimate.work
        cloud = self._cheapest_cloud(request, model)
        if cloud is not None:
            self._misses.setdefault(model.name, MissPrice()).offer(cloud)
        for each in {c.deployment.name: c for tier in model.tiers for c in tier}.values():
            if cloud is not None and each.pool.shadow is not None:
                there = estimate if each.pool is pool else foretold(request, each, _target(model), now)
                if there is not None:
                    each.pool.shadow.offer(there.work, cloud)
        if pool.shadow is not None:
            pool.shadow.admit(estimate.work)
        if request.conversation:
            self._homes[request.conversation] = candidate.deployment.name
            self._homes.move_to_end(request.conversation)
            if len(self._homes) > HOMES:
                self._homes.popitem(last=False)

    def came(self, candidate: Candidate, request: Request, now: float) -> None:
        """Its first content is here."""
        load, model = candidate.load, self._models.get(request.model)
        forecast = load.forecasts.get(request.seed)
        if forecast is None or model is None or load.predictor is None:
            return
        forecast.first_at = now
        if request.stream:  # a whole answer's first token is its last
            estimate = forecast.estimate
            load.predictor.observe_first(estimate.situation, estimate.first, now - forecast.sent, now)
            limit = _target(model).first(request.prompt_tokens)
            forecast.missed = limit is not None and now - request.received > limit

    def failed(self, candidate: Candidate, request: Request, failure: Failure, patience: float, now: float) -> None:
        """It failed before its first content: a fault of the endpoint counts as the time it was given, so that one
        that fails fast does not look quick; anything else as the silence it was."""
        forecast, predictor = candidate.load.forecasts.get(request.seed), candidate.load.predictor
        if forecast is not None and predictor is not None and not forecast.first_at:
            waited = patience if failure in ENDPOINT_FAULTS else now - forecast.sent
            predictor.observe_silence(forecast.estimate.situation, forecast.estimate.first, waited, now)

    def answered(self, candidate: Candidate, request: Request, usage: Usage, now: float) -> None:
        """The answer is whole."""
        load, model = candidate.load, self._models.get(request.model)
        forecast = load.forecasts.get(request.seed)
        if forecast is None or model is None or load.predictor is None:
            return
        self._lengths.setdefault(request.model, Lengths()).observe(usage.completion)
        name = candidate.deployment.name
        stayed = self._residence.get(name, RESIDENCE)
        self._residence[name] = stayed + 0.02 * (now - forecast.sent - stayed)
        if request.stream and usage.completion >= SHORTEST and forecast.first_at:
            estimate = forecast.estimate
            pace = (now - forecast.first_at) / (usage.completion - 1)
            load.predictor.observe_each(estimate.situation, estimate.each, max(pace, 1e-6), now)
            limit = _target(model).tpot
            forecast.missed = forecast.missed or (limit is not None and pace > limit)
        if request.stream:
            self._misses[model.name].observe(forecast.missed)

    def left(self, candidate: Candidate, request: Request) -> Forecast | None:
        """It is over, however it ended; what was foretold of it."""
        load, pool = candidate.load, candidate.pool
        forecast = load.forecasts.pop(request.seed, None)
        if forecast is not None:
            load.resident -= forecast.resident
            pool.work = max(0.0, pool.work - forecast.estimate.work)
        return forecast

    def _horizon(self, deployment: str, target: Target, request: Request, output: float) -> float:
        """Seconds a request stays there; no longer than it may: else a pool that is too slow would look less busy."""
        stays, first = self._residence.get(deployment, RESIDENCE), target.first(request.prompt_tokens)
        if first is None or target.tpot is None:
            return stays
        return min(stays, first + output * target.tpot)

    def _cheapest_cloud(self, request: Request, model: Model) -> float | None:
        """USD that the cheapest of the model's priced places would take."""
        costs = [expected_cost(request, c) for tier in model.tiers for c in tier if c.deployment.price is not None]
        return min((cost for cost in costs if cost is not None), default=None)


def _target(model: Model) -> Target:
    return next((each.target for each in model.policy.scorers if isinstance(each, SloCost)), Target())
