"""The objective. Rule: J = C + lambda P(late); the least wins; of those as cheap, the one that burdens the pool least.

C: at a cloud its dollars, at an own engine the shadow price of the GPU-seconds it takes. So what spills over is what
saves least cloud money per GPU-second, and lateness is worth avoiding as far as the service level is in danger.
"""

import msgspec

from policies.slo.estimate import Estimate

RARELY = 0.1  # where there is no cloud: chances of being late that differ by less than TIE of it are alike
TIE = 0.05  # of the dearest place's cost: an idle engine costs nothing, and what is 5 % of that?


class Offer(msgspec.Struct, frozen=True, gc=False):
    """What one place would do: its cost in USD, and the rest of the estimate."""

    cost: float
    estimate: Estimate


def objective(offer: Offer, late_price: float) -> float:
    return offer.cost + late_price * offer.estimate.late


def rank(offers: list[Offer], late_price: float, late_allowed: float | None) -> list[float]:
    """A score from 0 to 1 for each offer, 1 the best.

    ``late_allowed``: where the service level binds every request, the most that its chance of being late may be; it
    counts only where some offer keeps it. Where other gateways send to the same places, all that burden the pool within
    one standard deviation of the lightest are as good: or each gateway would choose the same one.
    """
    binding = late_allowed is not None and any(offer.estimate.late <= late_allowed for offer in offers)
    keeps = [not binding or offer.estimate.late <= (late_allowed or 0.0) for offer in offers]
    values = [objective(offer, late_price) for offer in offers]
    least = min(value for value, kept in zip(values, keeps, strict=True) if kept)
    light = min((offer.estimate for offer in offers), key=lambda each: each.burden)
    shared = any(offer.estimate.situation.others for offer in offers)
    lightest = light.burden + light.first.spread if shared else light.burden
    tie = TIE * max(least, max(offer.cost for offer in offers), RARELY * late_price)
    return [
        _score(value, least, tie, min(1.0, lightest / offer.estimate.burden)) if kept else 0.0
        for value, kept, offer in zip(values, keeps, offers, strict=True)
    ]


def _score(value: float, least: float, tie: float, lightness: float) -> float:
    """Above a half: within a ``tie`` of the least, ordered by how light. Below: the dearer the lower."""
    if value <= least + tie:
        return 0.5 + 0.5 * lightness
    return 0.5 * least / value if least > 0.0 else 0.25 / (1.0 + value)
