"""Filters: what each keeps, and that what one refuses is never chosen."""

from math import ceil, floor

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.learning.learners.rate import Rates
from policies.load.candidate import Candidate, Pool
from policies.selection.filters import FitsContext, Tagged, WithinPrice, WithinRate
from policies.selection.filters.fits_context import uncertain
from policies.selection.filters.within_rate import opens_in
from policies.vocabulary.types import Price
from tests.policies.world import NOW, ask, place


def kept(each: object, *places: Candidate, **asked: object) -> list[str]:
    return [c.id[0] for c in each.keep(ask(**asked), list(places), NOW)]  # type: ignore[attr-defined]


def test_prompt_and_answer_must_fit_into_the_window() -> None:
    small, large, unknown = place("small", context_window=100), place("large", context_window=1000), place("unknown")
    assert kept(FitsContext(), small, large, unknown, prompt_tokens=100) == ["small", "large", "unknown"]
    assert kept(FitsContext(), small, large, unknown, prompt_tokens=100, max_tokens=1) == ["large", "unknown"]
    assert kept(FitsContext(), small, large, unknown, prompt_tokens=1001) == ["unknown"]


@pytest.mark.parametrize(
    ("wanted", "left"),
    [
        (Tagged(any=("eu", "uk")), ["a", "b"]),
        (Tagged(all=("eu", "own")), ["a"]),
        (Tagged(any=("us",), all=("eu",)), []),
        (Tagged(any=("eu",), all=("fast",)), ["b"]),
    ],
)
def test_tags(wanted: Tagged, left: list[str]) -> None:
    places = place("a", tags=("eu", "own")), place("b", tags=("eu", "fast")), place("c")
    assert kept(wanted, *places) == left


def test_a_price_that_is_not_known_is_refused_and_an_own_engine_is_free() -> None:
    cheap, dear = place("cheap", price=Price(1, 2)), place("dear", price=Price(1, 9))
    unknown, own = place("unknown"), place("own", own=True)
    assert kept(WithinPrice(output=5), cheap, dear, unknown, own) == ["cheap", "own"]
    assert kept(WithinPrice(input=0.5), cheap, dear, unknown, own) == ["own"]


def limited(name: str, **limits: int) -> Candidate:
    return place(name, pool=Pool(rates=Rates()), **limits)


def test_a_deployment_at_its_request_rate_is_passed_over_for_the_rest_of_the_minute() -> None:
    one = limited("a", rpm=2)
    assert one.pool.rates is not None
    one.pool.rates.requests.observe(1, NOW - 50)
    assert kept(WithinRate(), one) == ["a"]
    one.pool.rates.requests.observe(1, NOW - 1)
    assert kept(WithinRate(), one) == []
    assert opens_in(one, 10, NOW) == 10.0
    assert [c.id[0] for c in WithinRate().keep(ask(), [one], NOW + 10)] == ["a"]


def test_tokens_are_counted_with_the_ones_that_are_asked_for() -> None:
    one = limited("a", tpm=1000)
    assert one.pool.rates is not None
    one.pool.rates.tokens.observe(950, NOW - 30)
    assert kept(WithinRate(), one, prompt_tokens=50) == ["a"]
    assert kept(WithinRate(), one, prompt_tokens=51) == []
    assert opens_in(one, 51, NOW) == 30.0


def test_a_prompt_larger_than_the_limit_goes_when_nothing_else_does() -> None:
    assert kept(WithinRate(), limited("a", tpm=1000), prompt_tokens=5000) == ["a"]


def test_what_the_upstream_says_is_left_counts_until_it_is_given_anew() -> None:
    one = place("a")
    one.domain.requests_left, one.domain.left_until = 0, NOW + 5
    assert kept(WithinRate(), one) == []
    assert opens_in(one, 10, NOW) == 5.0
    assert [c.id[0] for c in WithinRate().keep(ask(), [one], NOW + 5)] == ["a"]


def test_a_count_of_its_own_is_believed_over_the_estimate() -> None:
    small, large = place("small", context_window=100), place("large", context_window=1000)
    assert kept(FitsContext(), small, large, prompt_tokens=200, exact={"small": 90}) == ["small", "large"]
    assert kept(FitsContext(), small, large, prompt_tokens=90, exact={"small": 101}) == ["large"]


@given(
    st.integers(1, 10_000), st.floats(0.0, 0.5), st.floats(-1.0, 1.0), st.integers(0, 5000),
    st.lists(st.integers(1, 20_000), min_size=1, max_size=6),
)  # fmt: skip
def test_where_no_place_is_uncertain_the_truth_would_have_said_the_same(
    estimate: int, error: float, off: float, answer: int, windows: list[int]
) -> None:
    """The law of counting: an estimate off by at most its error is counted wherever that could matter."""
    truth = round(estimate * (1.0 + error * off))
    truth = min(max(truth, ceil(estimate * (1.0 - error))), floor(estimate * (1.0 + error)))
    places = [place(f"p{n}", context_window=window) for n, window in enumerate(windows)]
    request = ask(prompt_tokens=estimate, max_tokens=answer)
    doubtful = {each.name: truth for each in uncertain(request, [c.deployment for c in places], error)}
    counted = msgspec.structs.replace(request, exact=doubtful)
    told = FitsContext().keep(counted, places, NOW)
    assert told == FitsContext().keep(msgspec.structs.replace(request, prompt_tokens=truth), places, NOW)


def test_a_price_that_rises_with_the_prompt_is_the_one_that_counts() -> None:
    tiered = place("tiered", price=Price(1.0, 4.0, longer=((1000, Price(2.0, 6.0)), (5000, Price(4.0, 8.0)))))
    for tokens, input in ((1000, 1.0), (1001, 2.0), (5000, 2.0), (5001, 4.0)):
        assert kept(WithinPrice(input=input), tiered, prompt_tokens=tokens) == ["tiered"]
        assert kept(WithinPrice(input=input - 0.1), tiered, prompt_tokens=tokens) == []
