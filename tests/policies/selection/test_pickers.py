"""Pickers: shares kept, replayed by the seed."""

import random
from collections import Counter

import pytest

from policies.load.candidate import Candidate
from policies.selection.pickers import PICKERS, Rendezvous, Softmax, Weighted
from tests.policies.world import ask, place, pool

DRAWS = 4000


def drawn(picker: object, places: list[Candidate], scores: list[float]) -> Counter[str]:
    seeds = random.Random(3)
    pick = picker.pick  # type: ignore[attr-defined]
    return Counter(pick(ask(seeds.getrandbits(64)), places, scores).id[0] for _ in range(DRAWS))


@pytest.mark.parametrize("picker", PICKERS, ids=lambda each: each.__name__)
def test_a_pick_is_replayed_by_seed_sequence_and_conversation(picker) -> None:  # type: ignore[no-untyped-def]
    places = pool("a", 5)
    for n in range(50):
        request = ask(n * 2**40, n, conversation=n % 3)
        assert picker().pick(request, places, [1.0] * 5) is picker().pick(request, places, [1.0] * 5)


def test_a_deployments_weight_is_its_share_however_many_endpoints_it_has() -> None:
    places = [*pool("a", 3, weight=1.0), *pool("b", 1, weight=3.0)]
    share = drawn(Weighted(), places, [1.0] * 4)["b"] / DRAWS
    assert 0.72 < share < 0.78


def test_weight_nought_is_only_for_want_of_others() -> None:
    off, on = place("off", weight=0.0), place("on")
    assert drawn(Weighted(), [off, on], [1.0, 1.0]) == {"on": DRAWS}
    assert drawn(Weighted(), [off], [1.0]) == {"off": DRAWS}


def test_softmax_gives_each_its_chance_by_its_score() -> None:
    places = [place("a"), place("b")]
    share = drawn(Softmax(temperature=0.1), places, [1.0, 0.9])["b"] / DRAWS
    assert 0.24 < share < 0.30  # 1 / (1 + e)
    assert drawn(Softmax(temperature=0.01), places, [1.0, 0.5])["a"] == DRAWS


def test_a_conversation_stays_and_conversations_spread_by_score() -> None:
    places = pool("a", 2)
    talks = Counter(
        Rendezvous().pick(ask(n, conversation=n * 7919 + 1), places, [1.0, 0.5]).id[1] for n in range(DRAWS)
    )
    assert 0.62 < talks["http://a-0"] / DRAWS < 0.71
    one = {Rendezvous().pick(ask(n, conversation=99), places, [1.0, 1.0]).id for n in range(50)}
    assert len(one) == 1


def test_a_larger_draw_begins_with_the_smaller() -> None:
    """So that a plan that must draw again, to make up for what was filtered, keeps what it had."""
    places = pool("a", 40)
    for seed in range(50):
        for picker in PICKERS:
            few, many = (picker().draw(ask(seed * 2**40, seed), places, size) for size in (8, 14))
            assert many[:8] == few and len({each.id for each in many}) == 14
