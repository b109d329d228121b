"""Baselines: each decides as its router's description says."""

from pathlib import Path

import msgspec
import pytest

from gateway.simulate.baselines import QUEUES, baseline
from policies.load.candidate import Candidate
from policies.vocabulary.types import Request
from tests.gateway.simulate.world import config, played, steady, trace
from tests.policies.world import NOW, ask, place, pool

PROMPT = 1000


def chosen(kind: str, places: list[Candidate], matched: dict[int, int]) -> int:
    policy = baseline(kind)
    assert policy is not None
    known = {places[n].id: tokens for n, tokens in matched.items()}
    request: Request = msgspec.structs.replace(ask(), prompt_tokens=PROMPT, matched=known)
    return places.index(policy.choose(request, places, NOW)[0])


def test_cache_aware_follows_a_long_match_until_loads_are_out_of_balance() -> None:
    places = pool("gpu", 2)
    places[0].load.in_flight = 3
    assert chosen("cache_aware", places, {0: 800}) == 0
    assert chosen("cache_aware", places, {0: 300}) == 1, "a short match is none"
    places[0].load.in_flight = 40
    assert chosen("cache_aware", places, {0: 800}) == 1


def test_sticky_stays_until_the_wait_costs_more_than_the_prefix() -> None:
    places = pool("gpu", 2)
    places[0].load.backlog.add(1, 100_000.0, NOW)
    assert chosen("sticky_until_saturated", places, {0: 900}) == 0
    assert chosen("sticky_until_saturated", places, {}) == 1
    places[0].load.backlog.add(2, 300_000.0, NOW)
    assert chosen("sticky_until_saturated", places, {0: 900}) == 1


def test_the_fewest_tokens_to_compute() -> None:
    places = pool("gpu", 2)
    places[0].load.backlog.add(1, 500.0, NOW)
    assert chosen("least_uncached", places, {0: 800}) == 0
    assert chosen("least_uncached", places, {0: 300}) == 1


@pytest.mark.parametrize("queue", QUEUES)
def test_a_queue_above_the_threshold_spills(queue: str) -> None:
    own, cloud = place("gpu", own=True), place("cloud")
    assert chosen(f"spill_{queue}:1", [own, cloud], {}) == 0
    own.load.in_flight = 2
    own.load.backlog.add(1, 500.0, NOW)
    own.load.backlog.add(2, 500.0, NOW)
    assert chosen(f"spill_{queue}:1", [own, cloud], {}) == 1


@pytest.mark.parametrize("name", ["spill_tokens:many", "spill_stars:4", "none"])
def test_no_other_name_is_one(name: str) -> None:
    assert baseline(name) is None


def test_a_simulation_plays_them(tmp_path: Path) -> None:
    assert played(config(tmp_path), "cache_aware", trace(*steady(10, 0.1))).tally.errors == 0
