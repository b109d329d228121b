"""The plan: tiers, filters, room, exclusions."""

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from policies.learning.learners.rate import Rates
from policies.load.candidate import Candidate, Pool
from policies.selection.filters import Capable, FitsContext, Healthy, Tagged, WithinRate
from policies.selection.model import Model
from policies.selection.plan import Exclusions, cooled_in, last_resort, over_rate, plan, sole, too_long
from policies.selection.profile import Policy
from policies.vocabulary.engine_state import EngineLoad
from policies.vocabulary.types import Request
from tests.policies.world import NOW, ask, model, place, pool, quota, trip, world


def test_the_first_tier_with_a_healthy_place_is_taken() -> None:
    first, second = place("a"), place("b")
    asked = model("m", [first], [second])
    assert plan(ask(), asked, world(asked)).candidate is first
    first.load.down = True
    found = plan(ask(), asked, world(asked))
    assert (found.candidate, found.tier, found.considered) == (second, 1, 1)


def test_a_family_that_a_deployment_does_not_serve_is_not_sent_there() -> None:
    asked = model("m", [place("a")])
    request = Request("embeddings", "m", False, 1, NOW)
    found = plan(request, asked, world(asked))
    assert found.candidate is None and not found.full
    assert last_resort(request, asked, world(asked)) is None


def test_a_cooling_domain_is_passed_over_with_all_its_places() -> None:
    shared = quota()
    first, twin, other = place("a", domain=shared), place("b", domain=shared), place("c")
    shared.cooled_until = NOW + 1
    asked = model("m", [first, twin, other])
    assert plan(ask(), asked, world(asked)).candidate is other
    assert plan(ask(), asked, world(asked, now=NOW + 1)).candidate is first


def test_a_full_deployment_gives_way_to_the_next_tier() -> None:
    first, second = place("a", limit=2), place("b")
    first.pool.in_flight = 2
    asked = model("m", [first], [second])
    assert plan(ask(), asked, world(asked)).candidate is second


def test_the_limit_counts_the_whole_pool_not_one_endpoint() -> None:
    shared = Pool(in_flight=2)
    asked = model("m", [place("a", f"http://{n}", limit=2, pool=shared) for n in range(2)])
    found = plan(ask(), asked, world(asked))
    assert found.candidate is None and found.full


def test_full_is_said_only_of_places_that_could_have_served() -> None:
    down = place("a", limit=1)
    down.pool.in_flight, down.load.down = 1, True
    asked = model("m", [down])
    assert not plan(ask(), asked, world(asked)).full


def test_exclusions_shut_out_endpoints_deployments_and_domains() -> None:
    shared = quota()
    places = [*pool("a", 2), place("b"), place("c", domain=shared), place("d")]
    left = Exclusions(endpoints={places[0].id}, deployments={"b"}, domains={id(shared)}).keep(tuple(places))
    assert [c.id for c in left] == [places[1].id, places[4].id]
    assert Exclusions(only="d").keep(tuple(places)) == [places[4]]


def test_planning_changes_nothing() -> None:
    places = pool("a", 3)
    asked = model("m", places)
    before = [(c.load.in_flight, c.domain.budget.recent.whole, c.load.breakers) for c in places]
    plan(ask(), asked, world(asked))
    assert before == [(c.load.in_flight, c.domain.budget.recent.whole, c.load.breakers) for c in places]


def test_the_last_resort_prefers_a_place_that_answers_its_checks() -> None:
    down, broken, asleep = place("a"), place("b"), place("c")
    down.load.down = True
    asleep.load.scraped = EngineLoad(sleeping=True)
    broken.load.in_flight = 9
    trip(broken)
    asked = model("m", [down, asleep, broken])
    assert last_resort(ask(), asked, world(asked)) is broken


def test_the_last_resort_is_never_a_cooling_or_a_full_place() -> None:
    cooling, full = place("a"), place("b", limit=1)
    cooling.domain.cooled_until = NOW + 5
    full.pool.in_flight = 1
    asked = model("m", [cooling, full])
    assert last_resort(ask(), asked, world(asked)) is None
    assert cooled_in(ask(), asked, world(asked)) == 5.0
    assert cooled_in(ask(), asked, world(asked, now=NOW + 5)) is None


STATES = ("well", "down", "asleep", "open", "cooling", "full")


def _place(number: int, state: str) -> Candidate:
    made = place(f"d{number}", limit=1 if state == "full" else None)
    made.load.down = state == "down"
    made.pool.in_flight = int(state == "full")
    if state == "asleep":
        made.load.scraped = EngineLoad(sleeping=True)
    if state == "open":
        trip(made)
    if state == "cooling":
        made.domain.cooled_until = NOW + 1
    return made


@given(
    st.lists(st.lists(st.sampled_from(STATES), max_size=4), max_size=4),
    st.sampled_from(["order", "round_robin", "least_busy", "power_of_two"]),
    st.integers(0, 2**64 - 1),
    st.integers(0, 1000),
)
def test_a_plan_never_holds_a_place_that_a_filter_refused(
    tiers: list[list[str]], kind: str, seed: int, sequence: int
) -> None:
    held = [[_place(10 * i + j, state) for j, state in enumerate(tier)] for i, tier in enumerate(tiers)]
    asked = model("m", *held, kind=kind)
    found = plan(ask(seed, sequence), asked, world(asked))
    well = [i for i, tier in enumerate(tiers) if "well" in tier]
    if found.candidate is None:
        assert not well
        assert found.full == any("full" in tier for tier in tiers)
    else:
        assert found.tier == well[0]
        state = next(s for t, row in zip(tiers, held, strict=True) for s, c in zip(t, row, strict=True)
                     if c.id == found.candidate.id)  # fmt: skip
        assert state == "well"
        assert found.considered == tiers[found.tier].count("well")


def test_a_large_tier_is_drawn_from_and_still_holds_to_every_filter() -> None:
    places = pool("a", 500)
    for n, one in enumerate(places):
        one.load.down = n % 3 == 0
    asked = model("m", places, kind="power_of_two")
    seen = set()
    for seed in range(300):
        found = plan(ask(seed * 2**40 + seed), asked, world(asked)).candidate
        assert found is not None and not found.load.down
        seen.add(found.id)
    assert len(seen) > 100


def test_the_one_healthy_place_of_a_thousand_is_found() -> None:
    places = pool("a", 1000)
    for one in places[:-1]:
        one.load.down = True
    asked = model("m", places, kind="least_busy")
    assert all(plan(ask(seed), asked, world(asked)).candidate is places[-1] for seed in range(20))


def test_a_last_resort_overrules_health_and_nothing_else() -> None:
    eu, us = place("eu", tags=("eu",)), place("us")
    eu.load.down = True
    asked = msgspec.structs.replace(
        model("m", [eu, us]), policy=Policy("p", filters=(Capable(), Healthy(), Tagged(all=("eu",))))
    )
    assert last_resort(ask(), asked, world(asked)) is eu


def test_of_places_that_are_too_small_the_largest_is_known() -> None:
    small, large = place("s", context_window=5), place("l", context_window=9)
    asked = fitting(model("m", [small], [large]))
    assert plan(ask(prompt_tokens=10), asked, world(asked)).candidate is None
    assert too_long(ask(prompt_tokens=10), asked, world(asked)) is large
    assert too_long(ask(prompt_tokens=9), asked, world(asked)) is None
    assert plan(ask(prompt_tokens=9), asked, world(asked)).candidate is large


def fitting(asked: Model) -> Model:
    rules = (Capable(), Healthy(), FitsContext(), WithinRate())
    return msgspec.structs.replace(asked, policy=msgspec.structs.replace(asked.policy, filters=rules))


def test_when_every_place_is_at_its_rate_the_first_to_open_is_told() -> None:
    places = [place(name, rpm=1, pool=Pool(rates=Rates())) for name in ("a", "b")]
    asked = fitting(model("m", places))
    assert over_rate(ask(), asked, world(asked)) is None
    for one, ago in zip(places, (50, 20), strict=True):
        assert one.pool.rates is not None
        one.pool.rates.requests.observe(1, NOW - ago)
    assert plan(ask(), asked, world(asked)).candidate is None
    assert over_rate(ask(), asked, world(asked)) == 10.0


@given(
    family=st.sampled_from(["chat", "embeddings"]),
    features=st.sampled_from([frozenset[str](), frozenset({"images"})]),
    offers=st.sampled_from([frozenset[str](), frozenset({"images"})]),
    limit=st.sampled_from([None, 1]),
    in_flight=st.integers(0, 1),
    cooled=st.sampled_from([0.0, NOW, NOW + 1]),
    down=st.booleans(),
    asleep=st.booleans(),
    tripped=st.booleans(),
    tiers=st.integers(0, 2),
    size=st.integers(1, 2),
    kind=st.sampled_from(["order", "least_busy", "round_robin", "power_of_two", "lowest_cost"]),
    usual=st.booleans(),
)
def test_where_there_is_nothing_to_choose_the_choice_is_the_plan_s(
    family: str,
    features: frozenset[str],
    offers: frozenset[str],
    limit: int | None,
    in_flight: int,
    cooled: float,
    down: bool,
    asleep: bool,
    tripped: bool,
    tiers: int,
    size: int,
    kind: str,
    usual: bool,
) -> None:
    first = place("a", limit=limit, features=offers)
    first.pool.in_flight, first.domain.cooled_until, first.load.down = in_flight, cooled, down
    first.load.scraped = EngineLoad(sleeping=asleep)
    if tripped:
        trip(first)
    asked = model("m", *[[first, place("b")][:size], [place("c")]][:tiers], kind=kind)
    if not usual:
        asked = msgspec.structs.replace(asked, policy=Policy("own", filters=(Healthy(),)))
    request = msgspec.structs.replace(ask(), family=family, features=features)
    found, planned = sole(request, asked, NOW), plan(request, asked, world(asked))
    if found is not None:
        assert found == planned
    else:
        assert planned.candidate is not first or size == 2 or not usual
