"""The shipped difficulty weights, exactly as `cloverleaf difficulty` prints them; a test fits them again."""

from policies.learning.difficulty.features import Weights

SHIPPED = Weights(
    bias=-1.984,
    length=0.626,
    context=0.055,
    turns=0.0,
    hard_words=5.086,
    easy_words=-5.012,
    conditions=1.083,
    code=0.965,
    maths=2.814,
    parts=1.799,
    long_words=0.491,
    lookup=-2.014,
)
