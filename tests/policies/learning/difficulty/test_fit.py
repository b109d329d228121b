"""Fitting: it finds the weights that made the labels, and its own figures are worth something."""

from random import Random

import pytest

from policies.learning.difficulty.features import Weights, features
from policies.learning.difficulty.fit import fit, held_out, ranking
from policies.learning.difficulty.score import chance, score, values


def test_it_finds_what_decides() -> None:
    random, examples = Random(3), []
    texts = ["Prove it", "Prove and explain why", "Say it", "Translate it", "Hello there"]
    for _ in range(2000):
        seen = features(random.choice(texts), 100, 0)
        odds = sum(x * w for x, w in zip(seen, values(Weights(bias=-1.0, hard_words=4.0)), strict=True))
        examples.append((seen, float(random.random() < chance(odds))))
    found = fit(examples)
    for text in texts:
        seen = features(text, 100, 0)
        assert score(seen, found) == pytest.approx(score(seen, Weights(bias=-1.0, hard_words=4.0)), abs=0.06)


def test_a_feature_that_never_varies_gets_no_weight() -> None:
    examples = [(features(text, 100, 0), label) for text, label in (("Prove it", 1.0), ("Say it", 0.0)) * 50]
    assert fit(examples).maths == fit(examples).turns == 0.0


def test_perfect_separation_is_survived() -> None:
    examples = [(features("Prove it. Explain why.", 100, 0), 1.0)] * 5 + [(features("Hi", 100, 0), 0.0)] * 5
    found = fit(examples)
    assert all(abs(weight) < 50 for weight in values(found))
    assert score(examples[0][0], found) > 0.5 > score(examples[-1][0], found)


@pytest.mark.parametrize(
    ("scored", "area"),
    [
        ([(0.9, 1.0), (0.8, 1.0), (0.1, 0.0)], 1.0),
        ([(0.1, 1.0), (0.8, 0.0)], 0.0),
        ([(0.5, 1.0), (0.5, 0.0)], 0.5),
        ([(0.5, 1.0), (0.5, 0.0), (0.2, 0.0), (0.1, 0.0)], 2.5 / 3),
        ([(0.5, 1.0)], 0.5),
    ],
)
def test_the_ranking_is_the_area_under_the_curve(scored: list[tuple[float, float]], area: float) -> None:
    assert ranking(scored) == pytest.approx(area)


def test_held_out_groups_are_never_seen() -> None:
    """Labels that only their group explains cannot be learned from others."""
    random = Random(5)
    texts = [f"{random.random()} words of no meaning" for _ in range(200)]
    examples = [(features(text, 100, 0), float(n % 2)) for n, text in enumerate(texts)]
    scored = held_out(examples, [str(n % 10) for n in range(200)])
    assert len(scored) == 200
    assert 0.3 < ranking(scored) < 0.7
