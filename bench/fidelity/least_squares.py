"""Least squares. Rule: coefficients are times, so none is below nought; a sample counts by its relative error."""

from collections.abc import Sequence


def fit(rows: Sequence[Sequence[float]], seen: Sequence[float]) -> list[float]:
    """The c >= 0 of least sum(((c . row - y) / y)²); what comes out negative is left out in turn."""
    kept = list(range(len(rows[0])))
    while True:
        weighted = [[row[i] / y for i in kept] for row, y in zip(rows, seen, strict=True)]
        found = _solve(weighted)
        worst = min(range(len(kept)), key=lambda i: found[i])
        if found[worst] >= 0:
            break
        del kept[worst]
    coefficients = [0.0] * len(rows[0])
    for i, value in zip(kept, found, strict=True):
        coefficients[i] = value
    return coefficients


def _solve(rows: list[list[float]]) -> list[float]:
    """Normal equations for a right-hand side of ones, by Gauss and Jordan with pivots, columns scaled."""
    size = len(rows[0])
    scale = [max(abs(row[i]) for row in rows) or 1.0 for i in range(size)]
    scaled = [[row[i] / scale[i] for i in range(size)] for row in rows]
    table = [[sum(r[i] * r[j] for r in scaled) for j in range(size)] + [sum(r[i] for r in scaled)] for i in range(size)]
    for i in range(size):
        pivot = max(range(i, size), key=lambda k: abs(table[k][i]))
        table[i], table[pivot] = table[pivot], table[i]
        for k in range(size):
            if k != i:
                times = table[k][i] / table[i][i]
                table[k] = [a - times * b for a, b in zip(table[k], table[i], strict=True)]
    return [table[i][size] / table[i][i] / scale[i] for i in range(size)]
