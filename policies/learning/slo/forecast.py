"""The forecast of one attempt, kept from its start until its actual times are known."""

import msgspec

from policies.learning.predict.calibration_report import Quantiles
from policies.learning.predict.latency import LoadFeatures
from policies.learning.slo.estimate import Estimate


class Forecast(msgspec.Struct, gc=False):
    """``sent`` and ``first_at`` are monotonic seconds, the latter 0 before the first token. ``limit``: seconds after
    which its silence is a sign (its own 95th percentile). ``resident``: tokens it keeps in the endpoint's memory."""

    estimate: Estimate
    sent: float
    limit: float
    resident: float
    first_at: float = 0.0
    told: Quantiles = ()  # of one attempt in a few, to count how well such predictions hold

    def met(self, running: float, resident: float) -> LoadFeatures:
        """What it met while it lasted, with so much there at its end: the mean of the two."""
        began = self.estimate.situation
        return msgspec.structs.replace(
            began, running=(began.running + running) / 2, resident=(began.resident + resident) / 2
        )
