"""Features: counted within bounds, whatever the text; what they see is what they are named for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.learning.difficulty.features import HEAD, TAIL, Weights, features

NAMES = Weights.__struct_fields__


def seen(text: str, size: int = 0, turns: int = 0) -> dict[str, float]:
    return dict(zip(NAMES, features(text, size, turns), strict=True))


@given(st.text(max_size=5000), st.integers(0, 10**9), st.integers(0, 10**6))
def test_every_feature_lies_between_nought_and_one(text: str, size: int, turns: int) -> None:
    assert all(0.0 <= value <= 1.0 for value in features(text, size, turns))


@pytest.mark.parametrize(
    ("feature", "more", "less"),
    [
        ("length", "word " * 50, "word"),
        ("hard_words", "Prove it, and explain the trade-offs. Why?", "Say it, and name the fruits."),
        ("easy_words", "Translate this, summarize that, thanks!", "Weigh this, then weigh that."),
        ("conditions", "It must have at least two, unless exactly one.", "It has two or one."),
        ("code", "```\ndef f(x):\n    return x == 1\n```", "a function of x"),
        ("maths", "x^2 = 3 + y, so \\frac{1}{2} ≤ x", "x squared is three and y"),
        ("parts", "Do this:\n- one\n- two\n1. three", "Do this: one, two, three"),
        ("long_words", "institutional heterogeneity", "a red box"),
        ("lookup", "What is the capital of Peru?", "The capital of Peru is what I need."),
    ],
)
def test_each_feature_sees_what_it_is_named_for(feature: str, more: str, less: str) -> None:
    assert seen(more)[feature] > seen(less)[feature]


def test_size_and_turns_count_beyond_the_text() -> None:
    assert seen("x", size=100_000)["context"] > seen("x", size=100)["context"]
    assert seen("x", turns=9)["turns"] > seen("x")["turns"] == 0.0


def test_of_a_long_prompt_both_ends_are_read_and_no_more() -> None:
    middle = "x " * (HEAD + TAIL)
    assert seen("Prove this. " + middle)["hard_words"] == seen(middle + " Prove this.")["hard_words"] > 0
    assert seen(middle + " Prove this. " + middle)["hard_words"] == 0.0


def test_an_empty_prompt_has_none() -> None:
    assert not any(value for name, value in seen("").items() if name != "bias")
