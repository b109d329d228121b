"""A forecast. Rule: what an attempt was expected to take when it was sent, kept until what it took is known."""

import msgspec

from policies.slo.estimate import Estimate


class Forecast(msgspec.Struct, gc=False):
    """``sent`` and ``first_at`` are monotonic seconds, the latter 0 before the first token. ``limit``: seconds after
    which its silence is a sign (its own 95th percentile). ``resident``: tokens it keeps in the endpoint's memory."""

    estimate: Estimate
    sent: float
    limit: float
    resident: float
    first_at: float = 0.0
