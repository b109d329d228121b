"""The objective. Rule: J = C + lambda P(late); the least wins; of those as cheap, the one that burdens the pool least.

C: at a cloud its dollars, at an own engine the shadow price of the GPU-seconds it takes. So what spills over is what
saves least cloud money per GPU-second, and lateness is worth avoiding as far as the service level is in danger.
"""

from math import inf
from operator import attrgetter

from policies.slo.estimate import Estimate

RARELY = 0.1  # where there is no cloud: chances of being late that differ by less than TIE of it are alike
TIE = 0.05  # of the dearest place's cost: an idle engine costs nothing, and what is 5 % of that?


def rank(costs: list[float], estimates: list[Estimate], late_price: float, late_allowed: float | None) -> list[float]:
    """A score from 0 to 1 for each place, 1 the best, from its cost in USD and what else is foretold of it.

    ``late_allowed``: where the service level binds every request, the most that its chance of being late may be; it
    counts only where some place keeps it. Where other gateways send to the same places, all that burden the pool within
    one standard deviation of the lightest are as good: or each gateway would choose the same one.
    """
    values = [cost + late_price * each.late for cost, each in zip(costs, estimates, strict=True)]
    keeps = None if late_allowed is None else [each.late <= late_allowed for each in estimates]
    if keeps is not None and any(keeps):
        values = [value if kept else inf for value, kept in zip(values, keeps, strict=True)]
    light = min(estimates, key=_burden)
    shared = any(each.situation.others for each in estimates)
    lightest = light.burden + light.first.spread if shared else light.burden
    least = min(values)
    tied = least + TIE * max(least, *costs, RARELY * late_price)
    return [
        0.5 + 0.5 * min(1.0, lightest / each.burden)  # above a half: within a tie of the least, ordered by how light
        if value <= tied
        else _dear(value, least)
        for value, each in zip(values, estimates, strict=True)
    ]


_burden = attrgetter("burden")


def _dear(value: float, least: float) -> float:
    """Below a half: the dearer the lower."""
    if value == inf:
        return 0.0
    return 0.5 * least / value if least > 0.0 else 0.25 / (1.0 + value)
