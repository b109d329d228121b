"""Token prices fitted to what past requests cost, with the quality of the fit."""

from collections.abc import Iterable

import msgspec

from gateway.history.past_request import PastRequest


class Fitted(msgspec.Struct, frozen=True):
    """USD per 1M tokens. ``off``: by how much the fitted sum misses each request's own, on average, as a share."""

    input: float
    output: float
    off: float = 0.0


def fitted(requests: Iterable[PastRequest]) -> Fitted | None:
    """By least squares on the requests whose cost is known; None: there is none that cost anything."""
    known = [(each.prompt / 1e6, each.output / 1e6, each.usd) for each in requests if each.usd]
    usd = sum(cost for _, _, cost in known)
    if not usd:
        return None
    pp = sum(p * p for p, _, _ in known)
    po = sum(p * o for p, o, _ in known)
    oo = sum(o * o for _, o, _ in known)
    pc = sum(p * c for p, _, c in known)
    oc = sum(o * c for _, o, c in known)
    slope = pp * oo - po * po
    input, output = (
        ((pc * oo - oc * po) / slope, (oc * pp - pc * po) / slope) if slope > 1e-9 * pp * oo else (-1.0, -1.0)
    )
    if input < 0 or output < 0:  # they do not tell one from the other: one price for all tokens
        input = output = usd / sum(p + o for p, o, _ in known)
    off = sum(abs(input * p + output * o - c) for p, o, c in known) / usd
    return Fitted(input, output, off)
