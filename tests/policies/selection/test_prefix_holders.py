"""The best holders: few, the best of all that can be chosen, and not always the same."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from policies.load.candidate import Candidate
from policies.selection.model import Model
from policies.selection.plan import Exclusions, plan
from policies.selection.prefix_holders import ENOUGH, FEW, beside
from policies.selection.steering import Preferences, steered
from policies.vocabulary.types import Request
from tests.policies.world import NOW, ask, model, pool, world


def compiled(places: list[Candidate], kind: str = "prefix") -> Model:
    """A model as the catalog makes it."""
    return model("m", places, kind=kind)


def rank(request: Request, candidate: Candidate) -> tuple[int, int]:
    assert request.matched is not None
    return -request.matched[candidate.id], candidate.load.in_flight


@given(st.data(), st.integers(1, 40), st.integers(0, 12), st.integers(0, 2**64 - 1))
def test_none_that_is_left_out_is_better_than_one_that_is_kept(
    data: st.DataObject, size: int, sample: int, seed: int
) -> None:
    places = pool("gpu", size)
    for each in places:
        each.load.in_flight, each.load.down = data.draw(st.integers(0, 3)), data.draw(st.booleans())
    up = [c for c in places if not c.load.down]
    drawn = up[:sample]
    held = {c.id: data.draw(st.integers(1, 4)) for c in places if data.draw(st.booleans())}
    request, holders = ask(seed, matched=held), [c for c in places if c.id in held]
    kept = beside(request, drawn, holders, lambda some: [c for c in some if not c.load.down])
    ids, before = [c.id for c in kept], {c.id for c in drawn}
    added = [c for c in kept if c.id not in before]
    left = [c for c in up if c.id in held and c.id not in ids]
    assert len(set(ids)) == len(ids) and before <= {*ids}
    assert not any(c.load.down for c in added)
    assert len(added) <= max(FEW, ENOUGH - len(drawn))
    assert not left or len(added) == max(FEW, ENOUGH - len(drawn))
    assert all(rank(request, one) <= rank(request, other) for one in added for other in left)


@given(st.sets(st.integers(0, 7)), st.integers(1, 7), st.integers(0, 2**64 - 1))
def test_of_eight_places_no_holder_is_left_out(held: set[int], sample: int, seed: int) -> None:
    places = pool("gpu", ENOUGH)
    holders = [places[n] for n in sorted(held)]
    kept = beside(ask(seed, matched={c.id: 5 for c in holders}), places[:sample], holders, list)
    assert kept == holders + [c for c in places[:sample] if c not in holders]


def test_equals_take_turns() -> None:
    places = pool("gpu", 16)
    held, counts = {c.id: 5 for c in places}, Counter[str]()
    for n in range(4000):
        kept = beside(ask(n * 0x9E3779B97F4A7C15 % 2**64, matched=held), [], places, list)
        counts.update(c.id[1] for c in kept)
    assert all(1600 < counts[c.id[1]] < 2400 for c in places), counts  # eight of sixteen each time


@given(st.data(), st.sampled_from(["prefix", "slo_cost"]), st.integers(0, 2**64 - 1))
def test_what_was_made_beforehand_decides_as_what_is_looked_for(data: st.DataObject, kind: str, seed: int) -> None:
    places = pool("gpu", 50)
    numbers = data.draw(st.lists(st.integers(0, 59), max_size=16, unique=True))  # some are no longer there
    held = {("gpu", f"http://gpu-{n}"): data.draw(st.integers(1, 9)) for n in numbers}
    for each in places:
        each.load.in_flight, each.load.down = data.draw(st.integers(0, 3)), data.draw(st.booleans())
    request, made, bare = ask(seed, matched=held), compiled(places, kind), model("m", places, kind=kind)
    assert plan(request, made, world(made)) == plan(request, bare, world(bare))


def test_a_holder_that_cannot_be_chosen_gives_way_to_the_next() -> None:
    places = pool("gpu", 1000)
    asked = compiled(places)
    request = ask(7, prompt_tokens=9000, matched={places[n].id: 9000 - n for n in range(10)})
    for n in range(9):
        assert plan(request, asked, world(asked)).candidate is places[n]
        places[n].load.down = True
    assert plan(request, asked, world(asked, now=NOW)).candidate is places[9]


def test_nobody_is_held_to_what_was_tried_or_ruled_out_by_the_client() -> None:
    near, far = pool("near", 50), pool("far", 50)
    asked = compiled([*near, *far])
    request = ask(7, prompt_tokens=9000, matched={near[3].id: 9000, far[4].id: 100})
    assert plan(request, asked, world(asked)).candidate is near[3]
    tried = Exclusions(endpoints={near[3].id})
    assert plan(request, asked, world(asked), tried).candidate is far[4]
    narrowed = steered(asked, Preferences(ignore=("near",)))
    assert narrowed is not None
    assert plan(request, narrowed, world(narrowed)).candidate is far[4]
