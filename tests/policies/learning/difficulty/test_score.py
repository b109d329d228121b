"""The score: a probability, never surer than its bound; the weights' names are the features' order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.learning.difficulty.features import Weights, features
from policies.learning.difficulty.score import SURE, bounded, chance, score, values
from policies.learning.difficulty.weights import SHIPPED

numbers = st.floats(-1e6, 1e6)


@given(st.builds(Weights, *[numbers] * len(Weights.__struct_fields__)), st.text())
def test_it_is_never_surer_than_its_bound(weights: Weights, text: str) -> None:
    assert chance(-SURE) <= score(features(text, 100, 0), weights) <= chance(SURE)


@pytest.mark.parametrize(
    ("hard", "easy"),
    [
        ("Prove that every tree has a leaf, and explain why.", "What is the capital of Peru?"),
        ("Debug this: ```def f(): return g()``` It must be thread-safe.", "Translate to French: I am late."),
        ("Compare two designs of a queue and justify the trade-offs.", "Hello, how are you?"),
    ],
)
def test_the_shipped_weights_know_plain_cases(hard: str, easy: str) -> None:
    assert score(features(hard, 200, 0), SHIPPED) > 0.5 > score(features(easy, 200, 0), SHIPPED)


def test_weights_are_summed_by_name() -> None:
    only = Weights(bias=-1.0, lookup=3.0)
    assert score(features("What is it?", 9, 0), only) == pytest.approx(chance(2.0))
    assert values(only)[0] == -1.0 and sum(values(only)) == 2.0


@given(st.floats(0, 1))
def test_anybodys_probability_keeps_its_order_within_the_bound(probability: float) -> None:
    assert bounded(0.0) <= bounded(probability) <= bounded(1.0)
    if bounded(0.0) < probability < bounded(1.0):
        assert bounded(probability) == probability


@pytest.mark.parametrize("wrong", [-0.1, 1.1, float("nan"), float("inf")])
def test_what_is_no_probability_is_refused(wrong: float) -> None:
    with pytest.raises(ValueError):
        bounded(wrong)
