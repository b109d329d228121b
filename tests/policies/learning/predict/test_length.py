"""Lengths follow what was seen, respect the caller's limit, and lean on the model's where a hint knows little."""

import random

import pytest

from policies.learning.predict.length import PRIOR, Lengths, expected


def seen(tokens: list[int]) -> Lengths:
    lengths = Lengths()
    for each in tokens:
        lengths.observe(each)
    return lengths


def test_before_any_answer_a_prior_within_the_limit() -> None:
    assert Lengths().mean() == PRIOR and Lengths().mean(16) == 16 and Lengths().quantile(0.9, 16) == 16


def test_the_mean_and_the_quantiles_are_those_of_the_answers() -> None:
    draw = random.Random(1)
    tokens = [int(draw.lognormvariate(5, 1)) + 1 for _ in range(1000)]
    lengths, ordered = seen(tokens), sorted(tokens)
    assert lengths.mean() == pytest.approx(sum(tokens) / len(tokens), rel=0.15)
    for share in (0.1, 0.5, 0.9):
        assert lengths.quantile(share) == pytest.approx(ordered[int(share * 1000)], rel=0.25)


def test_no_answer_is_expected_to_exceed_its_limit() -> None:
    lengths = seen([10, 1000, 5000])
    assert lengths.mean(100) <= 100 and lengths.quantile(0.99, 100) == 100


def test_old_answers_fade() -> None:
    assert seen([2000] * 500 + [20] * 4000).mean() < 60


def test_a_hint_gains_weight_with_its_answers() -> None:
    model = seen([1000] * 100)
    few, many = expected(seen([10] * 2), model), expected(seen([10] * 200), model)
    assert 700 < few < 1100 and many < 120 and expected(None, model) == model.mean()


@pytest.mark.parametrize("tokens", [0, 1, 10**9])
def test_any_count_is_taken(tokens: int) -> None:
    assert seen([tokens]).mean() > 0
