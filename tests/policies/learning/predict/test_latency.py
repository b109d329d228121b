"""Latency predictions against the replica's own model: near, honest, and quick to see a slow endpoint."""

import random
from collections.abc import Iterator
from math import log

import pytest

from backends.engine.profile import Profile
from backends.engine.replica import Replica
from backends.engine.sequence import Work
from policies.learning.predict.latency import LatencyPredictor, LoadFeatures, Prediction, hardware
from policies.learning.predict.residuals import LEVELS

NOW = 100.0
SLOW = Profile(prefill_base=0.2, prefill_per_token=1.7e-4, decode_base=0.032, decode_per_sequence=1.26e-3)


class Flight:
    def __init__(self, situation: LoadFeatures, told: Prediction, sent: float) -> None:
        self.situation, self.told, self.sent = situation, told, sent
        self.first: float | None = None
        self.quantiles = [told.quantile(share) for share in LEVELS]


class World:
    """Replicas under random arrivals, sent where the first token is foretold soonest."""

    def __init__(self, profiles: list[Profile], seed: int) -> None:
        self.draw = random.Random(seed)
        self.replicas = [Replica(profile) for profile in profiles]
        self.flights: list[dict[int, Flight]] = [{} for _ in profiles]
        shared = hardware(cloud=False)
        self.predictors = [LatencyPredictor(shared) for _ in profiles]
        self.landed: list[tuple[Flight, float]] = []
        self.kept: list[object] = []  # sequences are known by identity

    def situation(self, i: int, prompt: int) -> LoadFeatures:
        flights = self.flights[i].values()
        ahead = sum(flight.situation.uncached for flight in flights if flight.first is None)
        running = sum(flight.first is not None for flight in flights)
        return LoadFeatures(prompt, ahead, running, len(flights) - running)

    def run(self, requests: int, rate: float) -> Iterator[int]:
        now = 0.0
        for number in range(requests):
            now += self.draw.expovariate(rate)
            for i in range(len(self.replicas)):
                self.deliver(i, now)
            prompt = int(min(self.draw.lognormvariate(7.2, 0.9) + 20, 16_000))
            output = int(min(self.draw.expovariate(1 / 100) + 1, 1000))
            choices = []
            for i, predictor in enumerate(self.predictors):
                situation = self.situation(i, prompt)
                choices.append((predictor.first_token(situation, now), i, situation))
            told, i, situation = min(choices, key=lambda choice: choice[0].seconds)
            sequence = self.replicas[i].submit(Work(prompt, output), now)
            self.kept.append(sequence)
            self.flights[i][id(sequence)] = Flight(situation, told, now)
            yield number

    def deliver(self, i: int, now: float) -> None:
        for event in self.replicas[i].advance(now):
            flight = self.flights[i][id(event.sequence)]
            if event.produced == 1:
                flight.first = event.at
                took = event.at - flight.sent
                self.landed.append((flight, took))
                self.predictors[i].observe_first(flight.situation, flight.told, took, event.at)
            if event.finished:
                del self.flights[i][id(event.sequence)]


@pytest.mark.parametrize("rate", [3.0, 8.0], ids=["idle", "busy"])
def test_the_share_under_each_quantile_is_the_one_foretold(rate: float) -> None:
    world = World([Profile()] * 2, seed=1)
    for _ in world.run(3000, rate):
        pass
    landed = world.landed[500:]
    assert len(landed) >= 2000
    for n, share in enumerate(LEVELS):
        held = sum(took <= flight.quantiles[n] for flight, took in landed) / len(landed)
        assert held == pytest.approx(share, abs=0.05), share


def test_predictions_are_near() -> None:
    world = World([Profile()] * 2, seed=2)
    for _ in world.run(1500, 5.0):
        pass
    off = sorted(abs(took - flight.told.seconds) / took for flight, took in world.landed[300:])
    assert off[len(off) // 2] < 0.15


def test_an_endpoint_three_times_slower_is_known_within_a_hundred_answers() -> None:
    world = World([Profile(), SLOW], seed=3)
    for _ in world.run(400, 3.0):
        if len(world.landed) >= 100:
            break
    fast, slow = world.predictors
    assert slow.factor(slow.heard) > 1.7 * fast.factor(fast.heard)


def test_luck_is_not_taken_for_speed() -> None:
    """Of equal endpoints none seems much quicker than the others because its last answers happened to be."""
    luck = believed = 0.0
    for seed in range(10):
        chance, kind, situation = random.Random(seed), hardware(cloud=False), LoadFeatures(1000)
        equals, usual = [LatencyPredictor(kind) for _ in range(8)], kind.first.at(situation.first)
        for _ in range(60):
            for each in equals:
                seconds = usual * chance.lognormvariate(0.0, 0.2)
                each.observe_first(situation, each.first_token(situation, NOW), seconds, NOW)
        luck += max(each.log_factor for each in equals) - min(each.log_factor for each in equals)
        believed += log(max(each.factor(NOW) for each in equals) / min(each.factor(NOW) for each in equals))
    assert 0.0 < believed < 0.55 * luck, "a mean over 40 alone would believe two thirds"


def test_what_was_known_long_ago_counts_for_nothing() -> None:
    predictor, situation = LatencyPredictor(hardware(cloud=False)), LoadFeatures(1000)
    for _ in range(30):
        predictor.observe_first(situation, predictor.first_token(situation, NOW), 2.0, NOW)
    assert predictor.factor(NOW) > 1.3 and predictor.factor(NOW + 1e6) == 1.0


def test_the_probability_of_being_in_time_is_the_quantile_turned_round() -> None:
    prediction = LatencyPredictor(hardware(cloud=False)).first_token(LoadFeatures(1000), NOW)
    for share in (0.1, 0.5, 0.9):
        assert prediction.within(prediction.quantile(share)) == pytest.approx(share, abs=0.03)
    assert prediction.within(1e-6) < 0.05 < 0.95 < prediction.within(1e6)


def test_a_timeout_counts_as_longer_than_it_lasted() -> None:
    predictor, situation = LatencyPredictor(hardware(cloud=False)), LoadFeatures(1000)
    for _ in range(30):
        prediction = predictor.first_token(situation, NOW)
        predictor.observe_silence(situation, prediction, 2 * prediction.seconds, NOW)
    assert predictor.factor(NOW) > 1.3


def test_an_attempt_cancelled_early_says_nothing() -> None:
    predictor, situation = LatencyPredictor(hardware(cloud=False)), LoadFeatures(1000)
    prediction = predictor.first_token(situation, NOW)
    predictor.observe_silence(situation, prediction, prediction.seconds / 10, NOW)
    assert predictor.samples == 0 and predictor.factor(NOW) == 1.0


def test_a_restarted_engine_is_a_new_one() -> None:
    predictor, situation = LatencyPredictor(hardware(cloud=False)), LoadFeatures(1000)
    for _ in range(30):
        predictor.observe_first(situation, predictor.first_token(situation, NOW), 2.0, NOW)
    assert predictor.factor(NOW) > 1.3
    predictor.restarted()
    assert predictor.factor(NOW) == 1.0 and not any(len(band) for band in predictor.bands)


def test_each_further_token_is_learned_too() -> None:
    predictor, profile = LatencyPredictor(hardware(cloud=False)), Profile()
    draw = random.Random(4)
    for _ in range(500):
        running = draw.randint(1, 60)
        situation = LoadFeatures(500, 0, running, 0, running * 1500)
        took = profile.decode_seconds(running, int(situation.resident))
        predictor.observe_each(situation, took, NOW)
    situation = LoadFeatures(500, 0, 30, 0, 45_000)
    assert predictor.each_token(situation, NOW).seconds == pytest.approx(profile.decode_seconds(30, 45_000), rel=0.1)


def test_an_endpoint_that_was_slow_is_forgiven_when_nothing_was_heard_of_it_for_minutes() -> None:
    predictor, situation = LatencyPredictor(hardware(cloud=False)), LoadFeatures(1000)
    for _ in range(30):
        predictor.observe_silence(situation, predictor.first_token(situation, NOW), 30.0, NOW)
    assert predictor.factor(NOW) > 5
    assert predictor.factor(NOW + 600) < 1.01
