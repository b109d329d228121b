"""The threshold: the share it is asked for is the share that comes out, whatever the scores are."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policies.learning.difficulty.score import SURE, bounded, chance
from policies.learning.difficulty.threshold import FIRST_STEP, STEP, Threshold, fresh

Scores = Callable[[Random, int], float]
SCORES: dict[str, Scores] = {
    "spread": lambda random, n: random.random(),
    "narrow": lambda random, n: 0.30 + 0.02 * random.random(),
    "two kinds": lambda random, n: random.choice([0.05, 0.9]) + 0.05 * random.random(),
    "all alike": lambda random, n: 0.4,
    "all surely hard": lambda random, n: chance(SURE),
    "rising": lambda random, n: chance(-4.0 + n / 1000),
    "jumping": lambda random, n: 0.2 + 0.6 * (n // 1000 % 2) + 0.1 * random.random(),
}


@pytest.mark.parametrize("scores", SCORES)
@pytest.mark.parametrize("share", [0.05, 0.2, 0.5, 0.9])
@pytest.mark.parametrize("seed", [1, 2])
def test_the_share_converges(scores: str, share: float, seed: int) -> None:
    random, threshold = Random(seed), Threshold()
    for n in range(4000):
        threshold.observe(SCORES[scores](random, n), share)
    assert threshold.judged == 4000
    assert threshold.strong / 4000 == pytest.approx(share, abs=0.03)


@pytest.mark.parametrize("share", [0.1, 0.3])
def test_it_has_found_its_place_after_a_hundred(share: float) -> None:
    within = 0
    for seed in range(20):
        random, threshold = Random(seed), Threshold()
        for _ in range(100):
            threshold.observe(random.random(), share)
        within += abs(threshold.at() - (1.0 - share)) < 0.15
    assert within >= 17


@given(st.lists(st.floats(0.0025, 0.9975), min_size=1, max_size=400), st.floats(0.0, 1.0))
def test_no_sequence_breaks_the_bound_it_promises(scores: list[float], share: float) -> None:
    threshold = Threshold()
    for score in scores:
        threshold.observe(score, share)
        assert -SURE - FIRST_STEP <= threshold.odds <= SURE + FIRST_STEP
    count = len(scores)
    off = abs(threshold.strong - share * count)
    assert off * STEP <= 2 * SURE + 3 * FIRST_STEP + STEP


def test_of_two_prompts_the_harder_one_is_the_one_that_is_hard() -> None:
    threshold = Threshold()
    for n in range(1000):
        threshold.observe((0.2, 0.2, 0.2, 0.8)[n % 4], 0.25)
    assert 0.2 < threshold.at() < 0.8


@pytest.mark.parametrize("scores", SCORES)
@pytest.mark.parametrize("share", [0.0, 1.0])
def test_none_and_all_are_meant_to_the_last_request(scores: str, share: float) -> None:
    random, threshold = Random(1), fresh(share)
    for n in range(500):
        threshold.observe(bounded(SCORES[scores](random, n)), share)
    assert threshold.strong == share * 500
    for n in range(2000):  # the share is changed at a reload
        threshold.observe(bounded(SCORES["spread"](random, n)), 0.3)
    assert threshold.strong - share * 500 == pytest.approx(600, abs=100)
