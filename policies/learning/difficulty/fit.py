"""Fits the difficulty weights from labelled prompts by regularised logistic regression; deterministic.

Newton's method; pure Python, since a dozen features of some thousand prompts are a second's work.
"""

from collections.abc import Sequence

from policies.learning.difficulty.features import Weights
from policies.learning.difficulty.score import chance, score

Example = tuple[tuple[float, ...], float]  # features, and 1 where it is hard, 0 where not, or between

RIDGE = 3.0  # examples' worth of doubt about each weight
ROUNDS = 25


def fit(examples: Sequence[Example]) -> Weights:
    """The weights under which the labels are likeliest, with a ridge on all but the bias."""
    size = len(Weights.__struct_fields__)
    weights = [0.0] * size
    for _ in range(ROUNDS):
        slope = [0.0 if i == 0 else RIDGE * weights[i] for i in range(size)]
        bend = [[(1e-6 if i == 0 else RIDGE) if i == j else 0.0 for j in range(size)] for i in range(size)]
        for seen, label in examples:
            told = chance(sum(w * x for w, x in zip(weights, seen, strict=True)))
            weight = max(told * (1.0 - told), 1e-6)
            for i, x in enumerate(seen):
                if x:
                    slope[i] += (told - label) * x
                    row = bend[i]
                    for j, other in enumerate(seen):
                        row[j] += weight * x * other
        step = _solved(bend, slope)
        weights = [w - s for w, s in zip(weights, step, strict=True)]
        if max(map(abs, step)) < 1e-9:
            break
    return Weights(*(round(w, 3) for w in weights))


def ranking(scored: Sequence[tuple[float, float]]) -> float:
    """The area under the ROC curve of (score, label): the chance that a hard prompt scores above an easy one."""
    ordered = sorted(scored)
    hard = sum(label >= 0.5 for _, label in ordered)
    easy = len(ordered) - hard
    if not hard or not easy:
        return 0.5
    total, at = 0.0, 0
    while at < len(ordered):
        end = at
        while end < len(ordered) and ordered[end][0] == ordered[at][0]:
            end += 1
        middle = (at + 1 + end) / 2  # ties share their ranks
        total += middle * sum(label >= 0.5 for _, label in ordered[at:end])
        at = end
    return (total - hard * (hard + 1) / 2) / (hard * easy)


def held_out(examples: Sequence[Example], groups: Sequence[str], folds: int = 5) -> list[tuple[float, float]]:
    """(score, label) of each example by weights that were fitted without its group."""
    number = {group: n % folds for n, group in enumerate(dict.fromkeys(groups))}
    scored = []
    for fold in range(folds):
        known = [each for each, group in zip(examples, groups, strict=True) if number[group] != fold]
        weights = fit(known)
        scored += [
            (score(seen, weights), label)
            for (seen, label), group in zip(examples, groups, strict=True)
            if number[group] == fold
        ]
    return scored


def _solved(matrix: list[list[float]], right: list[float]) -> list[float]:
    """x of ``matrix`` x = ``right``, by Gauss-Jordan; the matrix is positive definite."""
    rows = [[*row, value] for row, value in zip(matrix, right, strict=True)]
    size = len(rows)
    for i in range(size):
        best = max(range(i, size), key=lambda n: abs(rows[n][i]))
        rows[i], rows[best] = rows[best], rows[i]
        pivot = rows[i][i]
        rows[i] = [value / pivot for value in rows[i]]
        for n in range(size):
            if n != i and rows[n][i]:
                factor = rows[n][i]
                rows[n] = [a - factor * b for a, b in zip(rows[n], rows[i], strict=True)]
    return [row[size] for row in rows]
