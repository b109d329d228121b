"""The objective J = C + lambda P(miss). The least wins; near-ties go to what burdens the pool least.

C: at a cloud its dollars, at an own engine the shadow price of the GPU-seconds it takes. So what spills over is what
saves least cloud money per GPU-second, and lateness is worth avoiding as far as the service level is in danger.
"""

from math import inf

RARELY = 0.1  # where there is no cloud: chances of being late that differ by less than TIE of it are alike
TIE = 0.05  # of the highest cost: an idle engine costs nothing, and 5 % of that is nothing


def rank(
    costs: list[float],
    lates: list[float],
    burdens: list[float],
    late_price: float,
    late_allowed: float | None = None,
    spread: float = 0.0,
) -> list[float]:
    """A score from 0 to 1 for each endpoint, 1 the best, from its cost in USD, its chance of being late and its burden.

    ``late_allowed``: where the service level binds every request, the most that its chance of being late may be; it
    counts only if some endpoint keeps it. ``spread``: seconds above the lightest burden that are as good as it.
    """
    values = [cost + late_price * late for cost, late in zip(costs, lates, strict=True)]
    if late_allowed is not None and min(lates) <= late_allowed:
        values = [value if late <= late_allowed else inf for value, late in zip(values, lates, strict=True)]
    lightest, least = min(burdens) + spread, min(values)
    tied = least + TIE * max(least, RARELY * late_price, max(costs))
    return [
        # above a half: within a tie of the least, ordered by how light
        (0.5 + 0.5 * lightest / burden if burden > lightest else 1.0) if value <= tied else _dear(value, least)
        for value, burden in zip(values, burdens, strict=True)
    ]


def _dear(value: float, least: float) -> float:
    """Below a half: the dearer the lower."""
    if value == inf:
        return 0.0
    return 0.5 * least / value if least > 0.0 else 0.25 / (1.0 + value)
