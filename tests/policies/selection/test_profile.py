"""Policies over data: spread, ties, replay, and units that are never mixed."""

import random
from collections import Counter
from pathlib import Path
from types import ModuleType

import pytest

from policies.learning.learners.speed import Speed
from policies.load.candidate import Candidate
from policies.selection import filters, pickers, scorers
from policies.selection.pickers import Best
from policies.selection.plan import plan
from policies.selection.presets import PRESETS, preset
from policies.selection.profile import strata
from policies.vocabulary.hashing import digest, sample
from policies.vocabulary.signal import Signal
from policies.vocabulary.types import Price
from tests.policies.world import NOW, ask, model, place, policy, pool, scraped, world

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


def test_a_sample_of_a_thousand_is_as_fair_as_one_of_ten() -> None:
    places = pool("a", 1000)
    counts: Counter[str] = Counter()
    for seed in seeds():
        counts.update(c.id[1] for c in sample(places, 8, seed))
    assert len(counts) == 1000 and max(counts.values()) < 70  # 32 each, and some luck


@pytest.mark.parametrize("sizes", [[1], [1, 1, 1], [5, 1, 40], [1000, 1], [1, 700, 3]])
def test_strata_are_the_deployments(sizes: list[int]) -> None:
    runs = [pool(f"d{n}", size) for n, size in enumerate(sizes)]
    assert strata([c for run in runs for c in run]) == runs


@pytest.mark.parametrize("each", [p for p in PRESETS if p.stratified], ids=lambda each: each.kind)
def test_no_deployment_is_overlooked_beside_a_large_one(each) -> None:  # type: ignore[no-untyped-def]
    places = [*pool("a", 900), place("b")]
    for seed in seeds(50):
        assert "b" in {c.id[0] for c in each.draw(ask(seed), places, each.sample)}


SPREADING = ["random", "least_busy", "power_of_two", "peak_ewma", "prequal", "lowest_latency", "highest_throughput"]


@pytest.mark.parametrize("kind", [*SPREADING, "weighted", "session", "lowest_cost"])
def test_equals_share_the_load_whatever_the_policy(kind: str) -> None:
    counts = spread(kind, pool("a", 5), seeds())
    assert all(0.8 * DRAWS / 5 < counts[f"http://a-{n}"] < 1.2 * DRAWS / 5 for n in range(5)), counts


@pytest.mark.parametrize("kind", SPREADING[1:])
@pytest.mark.parametrize("scraped_at", [NOW, NOW - 4, NOW - 60], ids=["fresh", "old", "stale"])
def test_a_burst_between_two_scrapes_does_not_herd(kind: str, scraped_at: float) -> None:
    """One engine told that it was empty, a while ago: it must not get all that comes until it is asked again."""
    places = pool("a", 4)
    for n, one in enumerate(places):
        scraped(one, 0.0 if n == 0 else 3.0, 0.0, at=scraped_at)
    for seed in seeds(400):
        taken, _ = policy(kind).choose(ask(seed), places, NOW)
        taken.load.in_flight += 1
    assert max(c.load.in_flight for c in places) < 120, [c.load.in_flight for c in places]


@pytest.mark.parametrize("kind", ["peak_ewma", "prequal", "lowest_latency", "highest_throughput"])
def test_a_burst_after_one_lucky_answer_does_not_herd(kind: str) -> None:
    places = pool("a", 4)
    for n, one in enumerate(places):
        one.load.speed = Speed()
        one.load.speed.observe(False, 0.19 if n == 0 else 0.2, 1, NOW)
        one.load.speed.token.observe(0.019 if n == 0 else 0.02, 1, NOW)
    for seed in seeds(400):
        taken, _ = policy(kind).choose(ask(seed), places, NOW)
        taken.load.in_flight += 1
    assert max(c.load.in_flight for c in places) < 120, [c.load.in_flight for c in places]


def test_a_slow_endpoint_gets_less_by_how_slow_it_is() -> None:
    places = pool("a", 4)
    for n, one in enumerate(places):
        one.load.speed = Speed()
        one.load.speed.observe(False, 0.6 if n == 0 else 0.2, 1, NOW)
    for seed in seeds(400):
        taken, _ = policy("peak_ewma").choose(ask(seed), places, NOW)
        taken.load.in_flight += 1
    assert places[0].load.in_flight < 70


def test_weighted_keeps_the_shares() -> None:
    places = [place("a", weight=9.0), place("b", weight=1.0)]
    counts = spread("weighted", places, seeds())
    assert 0.88 < counts["http://a"] / DRAWS < 0.92


def test_a_session_is_one_place_and_moves_only_when_that_goes() -> None:
    places = pool("a", 6)
    session = policy("session")
    home = {talk: session.choose(ask(talk, conversation=talk), places, NOW)[0].id for talk in range(1, 300)}
    for talk, id in home.items():
        assert session.choose(ask(talk + 1000, conversation=talk), places, NOW)[0].id == id
        left = [c for c in places if c is not places[2]]
        moved = session.choose(ask(talk, conversation=talk), left, NOW)[0].id
        assert (moved != id) == (id == places[2].id)


def test_lowest_cost_takes_the_own_engine_then_the_cheaper_cloud() -> None:
    own, cheap, dear = place("own", own=True), place("cheap", price=Price(1, 1)), place("dear", price=Price(1, 1.1))
    own.load.in_flight = 50
    assert chosen("lowest_cost", [dear, cheap, own]) == "http://own"
    cheap.load.in_flight = 50
    assert chosen("lowest_cost", [dear, cheap]) == "http://cheap"


def test_the_rung_is_told() -> None:
    places = pool("a", 2)
    assert policy("peak_ewma").choose(ask(), places, NOW)[1] is Signal.IN_FLIGHT
    for one in places:
        scraped(one, 1.0, 0.0)
    assert policy("least_busy").choose(ask(), places, NOW)[1] is Signal.SCRAPED
    assert policy("random").choose(ask(), places, NOW)[1] is Signal.NONE


def test_a_policy_says_what_it_reads() -> None:
    assert policy("order").needs == policy("power_of_two").needs == frozenset()
    assert policy("peak_ewma").needs == {"speed"}
    assert policy("session").needs == {"conversation"}
    assert policy("lowest_cost").needs == {"max_tokens", "expected_output"}


@pytest.mark.parametrize("size", [4, 40])
def test_round_robin_takes_turns_over_few_and_many(size: int) -> None:
    asked = model("m", pool("a", size), kind="round_robin")
    turns = [plan(ask(sequence=n), asked, world(asked)).candidate for n in range(2 * size)]
    assert turns == list(asked.tiers[0]) * 2


def test_a_session_over_many_endpoints_moves_only_when_its_own_goes() -> None:
    asked = model("m", pool("a", 200), kind="session")
    homes = {
        talk: plan(ask(talk, conversation=digest(str(talk))), asked, world(asked)).candidate for talk in range(300)
    }
    assert len({c.id for c in homes.values() if c}) > 100
    for talk, home in list(homes.items())[:50]:
        assert home is not None
        home.load.down = True
        request = ask(talk + 7, conversation=digest(str(talk)))
        assert plan(request, asked, world(asked)).candidate is not home
        home.load.down = False
        assert plan(request, asked, world(asked)).candidate is home


@pytest.mark.parametrize("package", [filters, scorers, pickers])
def test_every_part_is_one_file_and_one_name_in_its_package(package: ModuleType) -> None:
    (folder,) = package.__path__
    parts = {path.stem for path in Path(folder).glob("*.py")} - {"__init__", "base"}
    named = {value.__module__ for value in vars(package).values() if isinstance(value, type)}
    assert {each.rpartition(".")[2] for each in named} - {"base"} == parts
