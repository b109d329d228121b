"""Steering: a client narrows and orders, and never adds."""

from hypothesis import given
from hypothesis import strategies as st

from policies.selection.steering import MaxPrice, Preferences, SortBy, steered
from policies.vocabulary.types import Price
from tests.policies.world import model, place, pool

OWN = place("own", own=True)
CHEAP = place("cheap", price=Price(1, 2))
DEAR = place("dear", price=Price(5, 9))
ASKED = model("m", [OWN], [CHEAP, DEAR], fallbacks=("other",))
NAMES = ["own", "cheap", "dear", "vllm", "nobody"]
names = st.lists(st.sampled_from(NAMES), max_size=4).map(tuple)


def tiers(wanted: Preferences) -> list[list[str]] | None:
    found = steered(ASKED, wanted)
    return None if found is None else [[each.name for each in tier.deployments] for tier in found.tiers]


def test_nothing_wanted_changes_nothing() -> None:
    assert steered(ASKED, Preferences()) == ASKED


def test_only_and_ignore_narrow() -> None:
    assert tiers(Preferences(only=("cheap",))) == [["cheap"]]
    assert tiers(Preferences(ignore=("own",))) == [["cheap", "dear"]]
    assert tiers(Preferences(ignore=("vllm",))) is None  # every one of them, by its provider
    assert tiers(Preferences(only=("elsewhere",))) is None


def test_order_puts_places_first_and_keeps_the_rest_unless_told_not_to() -> None:
    assert tiers(Preferences(order=("dear", "own"))) == [["dear"], ["own"], ["cheap"]]
    assert tiers(Preferences(order=("dear",), allow_fallbacks=False)) == [["dear"]]


def test_without_fallbacks_neither_later_tiers_nor_other_models_are_tried() -> None:
    found = steered(ASKED, Preferences(allow_fallbacks=False))
    assert found is not None and found.fallbacks == ()
    assert [[each.name for each in tier.deployments] for tier in found.tiers] == [["own"]]


def test_a_price_may_be_capped() -> None:
    assert tiers(Preferences(max_price=MaxPrice(prompt=1))) == [["own"], ["cheap"]]
    assert tiers(Preferences(max_price=MaxPrice(completion=1))) == [["own"]]


def test_sorting_is_a_policy_across_tiers_and_keeps_the_models_own_filters() -> None:
    found = steered(ASKED, Preferences(sort="price"))
    assert found is not None and found.policy.kind == "lowest_cost"
    assert found.policy.filters == ASKED.policy.filters
    assert len(found.tiers) == 1 and len(found.tiers[0].deployments) == 3


def test_sort_may_be_spelt_out() -> None:
    assert steered(ASKED, Preferences(sort=SortBy("price"))) == steered(ASKED, Preferences(sort="price"))
    assert steered(ASKED, Preferences(sort=SortBy())) == ASKED


def test_only_places_that_understand_everything_may_be_required() -> None:
    seeds, plain = place("seeds", features=frozenset({"seed", "stop"})), place("plain", features=frozenset({"stop"}))
    asked = model("m", [plain], [seeds])
    for features, left in (({"seed"}, ["seeds"]), ({"stop"}, ["plain", "seeds"]), ({"logprobs"}, None)):
        found = steered(asked, Preferences(require_parameters=True), frozenset(features))
        assert (found and [each.name for each in found.deployments]) == left
    assert steered(asked, Preferences(), frozenset({"logprobs"})) == asked


def test_what_a_place_does_with_data_and_weights_is_told_by_its_tags() -> None:
    """What is not known of a cloud is not assumed; an engine of the user's own keeps nothing."""
    places = [
        OWN, place("keeps"), place("learns-not", tags=("no_data_collection",)), place("forgets", tags=("zdr", "fp8")),
    ]  # fmt: skip
    asked = model("m", places)

    def left(**wanted: object) -> list[str]:
        found = steered(asked, Preferences(**wanted))  # type: ignore[arg-type]
        return [] if found is None else [each.name for each in found.deployments]

    assert left(data_collection="deny") == ["own", "learns-not", "forgets"]
    assert left(data_collection="allow") == ["own", "keeps", "learns-not", "forgets"]
    assert left(zdr=True) == ["own", "forgets"]
    assert left(quantizations=("fp8", "bf16")) == ["forgets"]
    assert left(quantizations=("int4",)) == []


@given(st.builds(Preferences, order=names, only=names, ignore=names, sort=st.sampled_from([None, "price", "latency"])))
def test_no_wish_adds_a_place(wanted: Preferences) -> None:
    asked = model("m", pool("own", 3), [CHEAP, DEAR])
    had = [each.name for each in asked.deployments]
    found = steered(asked, wanted)
    left = [] if found is None else [each.name for each in found.deployments]
    assert set(left) <= set(had) and len(left) == len(set(left))
