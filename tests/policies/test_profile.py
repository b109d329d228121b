"""Policies over data: spread, ties, replay, and units that are never mixed."""

import random
from collections import Counter

import pytest

from policies.pickers import Best
from policies.presets import PRESETS, preset
from policies.profile import sample
from policies.types import Candidate
from tests.policies.world import NOW, ask, place, policy, pool, scraped

DRAWS = 4000


def chosen(kind: str, places: list[Candidate], seed: int = 0, sequence: int = 0) -> str:
    return policy(kind).choose(ask(seed, sequence), places, NOW)[0].id[1]


def spread(kind: str, places: list[Candidate], seeds: list[int]) -> Counter[str]:
    return Counter(chosen(kind, places, seed) for seed in seeds)


def seeds(count: int = DRAWS) -> list[int]:
    drawn = random.Random(7)
    return [drawn.getrandbits(64) for _ in range(count)]


def test_a_preset_is_found_by_its_name_and_no_other() -> None:
    assert len({each.kind for each in PRESETS}) == len(PRESETS)
    assert preset("order") is PRESETS[0]
    assert preset("fastest") is None


@pytest.mark.parametrize("kind", ["order", "least_busy", "power_of_two"])
@pytest.mark.parametrize("size", [2, 3, 4, 5, 8])
@pytest.mark.parametrize("drawn", [seeds(), list(range(DRAWS))], ids=["random", "counting"])
def test_idle_equals_share_the_load(kind: str, size: int, drawn: list[int]) -> None:
    counts = spread(kind, pool("a", size), drawn)
    fair = DRAWS / size
    assert len(counts) == size
    assert all(0.8 * fair < count < 1.2 * fair for count in counts.values()), counts


def test_round_robin_takes_turns() -> None:
    places = pool("a", 3)
    turns = [chosen("round_robin", places, sequence=n) for n in range(6)]
    assert turns == [c.id[1] for c in places] * 2


@pytest.mark.parametrize("kind", ["order", "round_robin", "least_busy", "power_of_two"])
def test_a_choice_is_replayed_by_its_seed_and_sequence(kind: str) -> None:
    places = pool("a", 6)
    for seed in seeds(50):
        assert chosen(kind, places, seed, seed % 97) == chosen(kind, places, seed, seed % 97)


def test_order_takes_the_first_listed_however_busy_it_is() -> None:
    first, second = place("a"), place("b")
    first.load.in_flight = 500
    assert chosen("order", [first, second]) == "http://a"


def test_order_holds_over_thirty_deployments() -> None:
    places = [place(f"d{n:02}") for n in range(30)]
    for n, each in enumerate(places):
        each.load.in_flight = 30 - n
    for n in range(29):
        assert chosen("order", places[n:]) == f"http://d{n:02}"


def test_order_spreads_over_the_endpoints_of_one_deployment() -> None:
    places = pool("a", 2)
    places[0].load.in_flight = 3
    assert chosen("order", places) == "http://a-1"


def test_least_busy_takes_the_emptiest() -> None:
    places = pool("a", 4)
    for count, each in zip((3, 1, 2, 5), places, strict=True):
        each.load.in_flight = count
    assert spread("least_busy", places, seeds(50)) == {"http://a-1": 50}


def test_power_of_two_never_takes_the_busiest_and_seldom_only_the_emptiest() -> None:
    places = pool("a", 4)
    for count, each in enumerate(places):
        each.load.in_flight = count
    counts = spread("power_of_two", places, seeds())
    assert "http://a-3" not in counts
    assert 0.4 * DRAWS < counts["http://a-0"] < 0.6 * DRAWS  # in half of all pairs of four


@pytest.mark.parametrize("kind", ["least_busy", "power_of_two"])
def test_a_burst_does_not_herd_since_each_choice_sees_the_ones_before(kind: str) -> None:
    places = pool("a", 4)
    for seed in seeds(400):
        taken, _ = policy(kind).choose(ask(seed), places, NOW)
        taken.load.in_flight += 1
    counts = [c.load.in_flight for c in places]
    assert max(counts) - min(counts) <= 4, counts


def test_others_requests_count_where_every_scrape_is_fresh() -> None:
    first, second = pool("a", 2)
    first.load.in_flight = 1
    scraped(first, 1.0, 0.0)
    scraped(second, 30.0, 10.0)
    assert chosen("least_busy", [first, second]) == "http://a-0"


def test_fresh_and_stale_scrapes_are_never_compared() -> None:
    """The first is full of others' requests, the second unknown: only our own in-flight can be compared."""
    first, second = pool("a", 2)
    second.load.in_flight = 1
    scraped(first, 30.0, 10.0)
    scraped(second, 0.0, 0.0, at=NOW - 60)
    assert chosen("least_busy", [first, second]) == "http://a-0"


@pytest.mark.parametrize("each", PRESETS, ids=lambda each: each.kind)
def test_scores_lie_between_nought_and_one_with_the_best_at_one(each) -> None:  # type: ignore[no-untyped-def]
    places = pool("a", 3) + pool("b", 2)
    for count, one in enumerate(places):
        one.load.in_flight = count * count
    for scorer in each.scorers:
        scores = scorer.score(ask(), places, NOW)
        assert max(scores) == 1.0 and min(scores) >= 0.0


def test_a_sample_is_distinct_and_of_the_asked_size() -> None:
    places = pool("a", 7)
    for seed in seeds(200):
        drawn = sample(places, 3, seed)
        assert len({c.id for c in drawn}) == 3


def test_a_sample_leaves_the_candidates_as_they_were() -> None:
    places = pool("a", 7)
    before = list(places)
    sample(places, 2, 12345)
    assert places == before


def test_ties_are_broken_among_the_best_only() -> None:
    places = pool("a", 3)
    picked = {Best().pick(ask(seed), places, [1.0, 0.5, 1.0]).id[1] for seed in range(10)}
    assert picked == {"http://a-0", "http://a-2"}


def test_weights_are_the_policys_own() -> None:
    places = [place("a"), place("b")]
    order = policy("order")
    assert order.scores(ask(), places, NOW) == [1001.0, 501.0]
