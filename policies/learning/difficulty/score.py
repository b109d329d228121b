"""The difficulty score: a logistic sum of features, from 0 (easy) to 1 (hard)."""

from math import exp
from operator import mul

from policies.learning.difficulty.features import Weights

SURE = 6.0  # log-odds beyond which prompts are alike: 0.25 % and 99.75 %


def score(features: tuple[float, ...], weights: Weights) -> float:
    """A probability, no surer than SURE."""
    odds = sum(map(mul, features, values(weights)))
    return chance(max(-SURE, min(SURE, odds)))


def bounded(probability: float) -> float:
    """Anybody's probability, no surer than SURE.

    Raises:
        ValueError: it is no probability.
    """
    if not 0.0 <= probability <= 1.0:
        raise ValueError(f"{probability} is not between 0 and 1")
    return max(chance(-SURE), min(chance(SURE), probability))


def values(weights: Weights) -> tuple[float, ...]:
    """The weights in the order of the features."""
    return tuple(getattr(weights, name) for name in Weights.__struct_fields__)


def chance(odds: float) -> float:
    """The probability at these log-odds."""
    return 1.0 / (1.0 + exp(-max(-30.0, min(30.0, odds))))
