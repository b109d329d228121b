"""Predictors and prices: the live state that forecasts are learned in.

Kept only for models whose policy reads it. A hardware class is a deployment's; a pool's shadow price is its own; the
price of a miss is a model's.
"""

from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from policies.learning.pace import SHORTEST, pace
from policies.learning.predict.calibration_report import Coverage, told
from policies.learning.predict.latency import HardwareClass, LatencyPredictor, hardware
from policies.learning.predict.length import Lengths, expected
from policies.learning.slo.estimate import Estimate, Slo
from policies.learning.slo.forecast import Forecast
from policies.learning.slo.gpu_price import ShadowPrice
from policies.learning.slo.miss_price import MissPrice
from policies.load.candidate import Candidate
from policies.selection.foretell import foretold
from policies.selection.model import Model
from policies.selection.scorers.cost import expected_cost
from policies.selection.scorers.slo_cost import SloCost
from policies.vocabulary.failure import ENDPOINT_FAULTS, Failure
from policies.vocabulary.types import Request, Usage

HOMES = 65_536  # conversations whose place is remembered
LATE = 0.95  # the share of its own prediction after which an attempt's silence is a sign
COUNTED = 4  # of so many attempts one is counted in ``coverage``
BEST_EFFORT = Slo()  # of a policy that foresees, but has no service level


class TrackedTarget(msgspec.Struct, frozen=True):
    """A model whose policy foresees: its target, its pools of own engines, and one place of each priced deployment."""

    target: Slo
    pools: list[tuple[Candidate, ...]]
    clouds: list[Candidate]


class Verdicts(msgspec.Struct):
    """What came of a model's service level since the process began: streams measured by it, and those that missed it.

    ``price``: of a miss, in USD; ``allowed``: the share of misses that the service level permits.
    """

    streams: int = 0
    missed: int = 0
    price: float = 0.0
    allowed: float = 0.0


class Predictions:
    """Everything that `slo_cost` and its kin learn."""

    def __init__(self) -> None:
        self._classes: dict[str, HardwareClass] = {}
        self._misses: dict[str, MissPrice] = {}
        self._measured: dict[str, tuple[int, int]] = {}  # streams, and those that missed their service level, by model
        self._lengths: dict[str, Lengths] = {}  # by model, and by model and hint
        self._homes: OrderedDict[int, str] = OrderedDict()
        self.coverage: dict[str, Coverage] = {}  # how well first tokens were foretold, by deployment
        self._models: dict[str, TrackedTarget] = {}  # those that ask for it

    def keep(self, models: Iterable[Model]) -> None:
        """Learn of these models' places, where their policy asks for it; what was learned survives a reload."""
        self._models = {}
        for model in models:
            if "foresight" not in model.policy.needs:
                continue
            places: dict[str, dict[tuple[str, str], Candidate]] = {}
            for candidate in (c for tier in model.tiers for c in tier):
                self._watch(candidate)
                places.setdefault(candidate.deployment.name, {})[candidate.id] = candidate
            kinds = [tuple(each.values()) for each in places.values()]
            pools = [each for each in kinds if each[0].pool.shadow is not None]
            clouds = [each[0] for each in kinds if each[0].deployment.price is not None]
            self._models[model.name] = TrackedTarget(_target(model), pools, clouds)

    def _watch(self, candidate: Candidate) -> None:
        name, own = candidate.deployment.name, candidate.deployment.own
        shared = self._classes.setdefault(name, hardware(cloud=not own))
        if candidate.load.predictor is None:
            candidate.load.predictor = LatencyPredictor(shared)
        if own and candidate.pool.shadow is None:
            candidate.pool.shadow = ShadowPrice()

    @property
    def classes(self) -> Mapping[str, HardwareClass]:
        """What was learned of each deployment."""
        return self._classes

    def verdicts(self) -> dict[str, Verdicts]:
        """Of each model that has a service level, as of now."""
        found = {}
        for name, misses in self._misses.items():
            if name in self._models and self._models[name].target != BEST_EFFORT:
                streams, missed = self._measured.get(name, (0, 0))
                allowed = self._models[name].target.allowed
                found[name] = Verdicts(streams=streams, missed=missed, price=misses.price, allowed=allowed)
        return found

    def learned(self) -> dict[str, dict[str, Any]]:
        """What outlives the process, by kind and name; it is moved here alone, and when a process begins."""
        return {"class": self._classes, "miss": self._misses, "lengths": self._lengths}

    # before a decision

    def asked(self, request: Request, model: Model, now: float) -> tuple[int, float, str]:
        """What a request is to know before it is placed: tokens it will bring back, the price of missing its target,
        and where its conversation was answered last. Brings the pools' prices up to date."""
        whole, own = self._lengths.get(model.name), self._lengths.get(_hinted(model.name, request))
        output = round(expected(own, whole or Lengths(), request.max_tokens))
        watched = self._models.get(model.name)
        if watched is None:  # a fallback of this model is ranked by it, but not the model
            return output, 0.0, ""
        for pool in watched.pools:
            if pool[0].pool.shadow is not None:
                pool[0].pool.shadow.at(now)
        misses = self._misses.setdefault(model.name, MissPrice())
        home = self._homes.get(request.conversation, "") if request.conversation else ""
        return output, misses.at(now, watched.target.allowed), home

    # an attempt's life

    def sent(self, candidate: Candidate, request: Request, now: float) -> None:
        """An attempt starts: what it is expected to take is noted, and what it is worth to a cloud."""
        model = self._models.get(request.model)
        estimate = foretold(request, candidate, model.target, now, sent=True) if model is not None else None
        if model is None or estimate is None:
            return
        load = candidate.load
        tokens = float(request.prompt_tokens + request.expected_output)
        forecast = Forecast(estimate, now, estimate.first.quantile(LATE), tokens)
        if request.stream and request.seed % COUNTED == 0:
            forecast.told = told(estimate.first)
        load.forecasts[request.seed] = forecast
        load.resident += tokens
        candidate.pool.work += estimate.work
        self._offer(model, request, candidate, estimate, now)
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
            if forecast.told:
                self.coverage.setdefault(candidate.deployment.name, Coverage()).observe(
                    forecast.told, now - forecast.sent
                )

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
        for name in {request.model, _hinted(request.model, request)}:
            self._lengths.setdefault(name, Lengths()).observe(usage.completion)
        if not request.stream or not forecast.first_at:
            return
        seconds = pace(forecast.first_at, now, usage.completion)
        if seconds and usage.completion >= SHORTEST:
            running, resident = load.in_flight - 1 - len(load.backlog.owed), load.resident - forecast.resident
            load.predictor.observe_each(forecast.met(running, resident), seconds, now)
        prompt, counted = (usage.prompt, seconds) if usage.source == "upstream" else (request.prompt_tokens, None)
        missed = model.target.missed(prompt, forecast.first_at - request.received, counted)
        self._misses.setdefault(request.model, MissPrice()).observe(missed)
        streams, misses = self._measured.get(request.model, (0, 0))
        self._measured[request.model] = streams + 1, misses + missed

    def left(self, candidate: Candidate, request: Request) -> Forecast | None:
        """It is over, however it ended; what was foretold of it."""
        load, pool = candidate.load, candidate.pool
        forecast = load.forecasts.pop(request.seed, None)
        if forecast is not None:
            load.resident -= forecast.resident
            pool.work = max(0.0, pool.work - forecast.estimate.work)
        return forecast

    def _offer(self, model: TrackedTarget, request: Request, chosen: Candidate, estimate: Estimate, now: float) -> None:
        """What the cheapest cloud would take for it tells each pool what it saves, chosen or not."""
        costs = [cost for cost in (expected_cost(request, cloud) for cloud in model.clouds) if cost]
        if not costs:
            return
        cloud = min(costs)
        self._misses.setdefault(request.model, MissPrice()).offer(cloud)
        for pool in model.pools:
            place = pool[request.seed % len(pool)]
            there = estimate if chosen.pool is place.pool else foretold(request, place, model.target, now)
            if there is not None and place.pool.shadow is not None:
                place.pool.shadow.offer(there.work, cloud, request.late_price * there.late)


def _hinted(model: str, request: Request) -> str:
    """The model, with what ``max_tokens`` says of the answer: who allows much is not who allows little. By
    powers of two, so that they are few."""
    return f"{model} {request.max_tokens.bit_length()}" if request.max_tokens else model


def _target(model: Model) -> Slo:
    return next((each.slo for each in model.policy.scorers if isinstance(each, SloCost)), BEST_EFFORT)
