"""An estimate of one request at one endpoint: GPU-seconds, USD, and the probability of missing its target."""

import msgspec

from policies.learning.predict.latency import LatencyPredictor, LoadFeatures, Prediction
from policies.learning.predict.residuals import ResidualWindow
from policies.vocabulary.units import Share, Timeout

KILO = 1000.0
SLOWED = 0.2  # of the time that its own tokens add to every step: how much longer the answers beside it take is felt


class Slo(msgspec.Struct, frozen=True, kw_only=True):
    """The service level that `slo_cost` keeps.

    ttft: Target for the first token.
    per_1k_tokens: How much the target grows with each thousand prompt tokens.
    tpot: Target for each further token.
    quantile: Share of requests that must meet the targets.
    """

    ttft: Timeout | None = None
    per_1k_tokens: Timeout | None = None
    tpot: Timeout | None = None
    quantile: Share = 0.95

    def first(self, prompt_tokens: float) -> float | None:
        """Seconds in which the first token of so long a prompt is in time; None: any are."""
        return None if self.ttft is None else self.ttft + (self.per_1k_tokens or 0.0) * prompt_tokens / KILO

    def missed(self, prompt_tokens: float, first: float, pace: float | None) -> bool:
        """Whether an answer missed it. ``first``: seconds from the request's arrival to the first token; ``pace``:
        seconds for each further one, None: there is none, or their number is unknown."""
        limit = self.first(prompt_tokens)
        late = limit is not None and first > limit
        return late or (self.tpot is not None and pace is not None and pace > self.tpot)

    @property
    def allowed(self) -> float:
        """The share of requests that may miss it."""
        return 1.0 - self.quantile


USUAL = Slo(ttft=2.0, per_1k_tokens=0.5, tpot=0.1)  # where nothing says what is in time


class Estimate(msgspec.Struct, frozen=True, gc=False):
    """One request at one endpoint. ``late``: the probability of missing its target; ``work``: GPU-seconds; ``felt``:
    seconds until its own first token, and what its answer costs those beside it; ``prefill``: seconds of prefill, which
    others at the endpoint wait for."""

    situation: LoadFeatures
    first: Prediction
    each: Prediction
    late: float
    work: float
    felt: float
    prefill: float


# The same as plain numbers, for a plan has one for every candidate: late, work, felt, prefill; seconds to the first
# token and their ratios; other gateways' requests there.
FastEstimate = tuple[float, float, float, float, float, ResidualWindow, float]
LoadValues = tuple[float, float, float, float, float, float]  # what is met there: the fields of Situation


class EstimateQuery(msgspec.Struct, frozen=True, gc=False):
    """The inputs that are the same for every endpoint: tokens of the prompt and (expected) of the answer; seconds that
    are in time, of the first token and of each further one, None where any are."""

    prompt: float
    output: float
    first: float | None
    each: float | None

    def glance(
        self,
        predictor: LatencyPredictor,
        met: LoadValues,
        capacity: float | None,
        now: float,
        overdue: float = 1.0,
    ) -> FastEstimate:
        """``capacity``: tokens the endpoint's KV cache holds, None where that is not known; ``overdue``: how many times
        its own 95th percentile the oldest attempt there has waited."""
        uncached, ahead, running, waiting, resident, others = met
        first, ratios, each, paces, factor = predictor.look(uncached, ahead, running, waiting, resident, now)
        if overdue > 1.0:
            first *= overdue
        kind, prompt, output, timely = predictor.hardware, self.prompt, self.output, 1.0
        if self.first is not None:
            timely = kind.first.calibration.share(ratios.share(self.first / first))
        if self.each is not None:
            timely *= kind.each.calibration.share(paces.share(self.each / each))
        _, k1, k2, _, _, _ = kind.first.line.weights
        _, by_sequence, by_context = kind.each.line.weights
        thousands = uncached / KILO
        prefill = factor * thousands * (k1 + k2 * thousands)
        # its share of each step that it is in
        decode = factor * output * (by_sequence + by_context * (prompt + output / 2) / KILO)
        work = prefill + decode
        if capacity:
            work = max(work, (prompt + output) * (first + output * each) / capacity)
        felt = first + SLOWED * (running + waiting) * decode
        return 1.0 - timely, work, felt, prefill, first, ratios, others

    def estimate(
        self,
        predictor: LatencyPredictor,
        situation: LoadFeatures,
        capacity: float | None,
        now: float,
        overdue: float = 1.0,
    ) -> Estimate:
        """The same in full."""
        met = msgspec.structs.astuple(situation)
        late, work, felt, prefill, seconds, ratios, _ = self.glance(predictor, met, capacity, now, overdue)
        first = Prediction(seconds, ratios, predictor.hardware.first.calibration)
        return Estimate(
            situation=situation,
            first=first,
            each=predictor.each_token(situation, now),
            late=late,
            work=work,
            felt=felt,
            prefill=prefill,
        )
