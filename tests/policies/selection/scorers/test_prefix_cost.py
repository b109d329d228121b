"""The prefix policy: a cached prefix draws a request, a queue turns it away, and neither is all or nothing."""

import msgspec

from policies.load.candidate import Candidate
from policies.selection.plan import plan
from policies.vocabulary.types import Request
from tests.policies.world import NOW, ask, model, pool, world

PROMPT = 8000


def asking(matched: dict[tuple[str, str], int] | None, seed: int = 0) -> Request:
    return msgspec.structs.replace(ask(seed), prompt_tokens=PROMPT, matched=matched)


def chosen(places: list[Candidate], request: Request) -> str:
    candidate = plan(request, asked := model("m", places, kind="prefix"), world(asked)).candidate
    assert candidate is not None
    return candidate.id[1]


def test_a_request_goes_where_its_prefix_is() -> None:
    places = pool("gpu", 4)
    for seed in range(8):
        assert chosen(places, asking({places[2].id: 6000}, seed)) == "http://gpu-2"


def test_a_long_enough_queue_outweighs_the_prefix_and_a_short_one_does_not() -> None:
    places = pool("gpu", 2)
    places[0].load.backlog.add(1, 10_000.0, NOW)
    assert chosen(places, asking({places[0].id: 6000})) == "http://gpu-0"
    places[0].load.backlog.add(2, 40_000.0, NOW)
    assert chosen(places, asking({places[0].id: 6000})) == "http://gpu-1"


def test_the_more_is_cached_the_longer_a_queue_it_is_worth() -> None:
    """Neither at once nor never: each cached token is worth so many tokens of wait."""
    yields = []
    for cached in (500, 1000, 2000, 4000, 8000):
        places = pool("gpu", 2)
        while chosen(places, asking({places[0].id: cached})) == "http://gpu-0":
            places[0].load.backlog.add(len(places[0].load.backlog.owed), 500.0, NOW)
        yields.append(places[0].load.backlog.at(NOW))
    assert yields == sorted(set(yields))
    assert all(
        cached <= wait <= 100 * cached for cached, wait in zip((500, 1000, 2000, 4000, 8000), yields, strict=True)
    )


def test_the_longer_match_wins_at_equal_load() -> None:
    places = pool("gpu", 3)
    assert chosen(places, asking({places[0].id: 1000, places[1].id: 2000})) == "http://gpu-1"


def test_where_nothing_is_known_of_caches_the_load_decides() -> None:
    places = pool("gpu", 3)
    for place in places[:2]:
        place.load.in_flight = 3
    assert chosen(places, asking(None)) == "http://gpu-2"


def test_equals_share_the_load() -> None:
    places = pool("gpu", 3)
    assert {chosen(places, asking(None, seed)) for seed in range(12)} == {place.id[1] for place in places}


def test_decoding_counts_where_there_is_nothing_to_compute() -> None:
    places = pool("gpu", 2)
    places[0].load.in_flight = 5
    assert chosen(places, asking({place.id: 8000.0 for place in places})) == "http://gpu-1"


def test_of_a_thousand_endpoints_the_holder_is_found_and_the_others_share_what_is_new() -> None:
    places = pool("gpu", 1000)
    assert all(chosen(places, asking({places[777].id: 6000}, seed)) == "http://gpu-777" for seed in range(20))
    assert len({chosen(places, asking({}, seed)) for seed in range(20)}) > 15
