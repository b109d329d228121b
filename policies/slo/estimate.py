"""An estimate. Rule: what one request would take at one place: GPU-seconds, dollars, and the chance of being late."""

import msgspec

from policies.predict.latency import LatencyPredictor, Prediction, Situation

KILO = 1000.0


class Target(msgspec.Struct, frozen=True):
    """A service level, in seconds: of the first token (growing with the prompt), and of each further one."""

    ttft: float | None = None
    per_1k_tokens: float = 0.0
    tpot: float | None = None
    quantile: float = 0.95
    strict: bool = False

    def first(self, prompt_tokens: float) -> float | None:
        return None if self.ttft is None else self.ttft + self.per_1k_tokens * prompt_tokens / KILO

    @property
    def allowed(self) -> float:
        """The share of requests that may miss it."""
        return 1.0 - self.quantile


USUAL = Target(2.0, 0.5, 0.1)  # where nobody said what is in time


class Estimate(msgspec.Struct, frozen=True, gc=False):
    """One request at one place. ``late``: the probability of missing its target; ``work``: GPU-seconds; ``burden``:
    seconds it makes the pool wait in all: its own first token, and what it costs those beside it and after it."""

    situation: Situation
    first: Prediction
    each: Prediction
    late: float
    work: float
    burden: float


def estimate(
    predictor: LatencyPredictor,
    situation: Situation,
    prompt_tokens: float,
    output_tokens: float,
    target: Target,
    capacity: float | None,
    now: float,
    overdue: float = 1.0,
) -> Estimate:
    """``output_tokens``: expected; ``capacity``: tokens the endpoint's KV cache holds, None where that is not known;
    ``overdue``: how many times its own 95th percentile the oldest attempt there has waited, at least 1."""
    first, each, factor = predictor.both(situation, now)
    if overdue > 1.0:
        first = Prediction(first.seconds * overdue, first.ratios, first.calibration)
    limit = target.first(prompt_tokens)
    timely = 1.0 if limit is None else first.within(limit)
    if target.tpot is not None and output_tokens > 1.0:
        timely *= each.within(target.tpot)
    _, k1, k2, *_ = predictor.hardware.first.line.weights
    _, by_sequence, by_context = predictor.hardware.each.line.weights
    thousands, context = situation.uncached / KILO, (prompt_tokens + output_tokens / 2) / KILO
    prefill = factor * thousands * (k1 + k2 * thousands)
    decode = factor * output_tokens * (by_sequence + by_context * context)  # its share of each step that it is in
    work = prefill + decode
    if capacity:
        residence = first.seconds + output_tokens * each.seconds
        work = max(work, (prompt_tokens + output_tokens) * residence / capacity)
    beside = situation.running + situation.waiting
    burden = first.seconds + (DUPLICATE + situation.waiting) * prefill + SLOWED * beside * decode
    return Estimate(situation, first, each, 1.0 - timely, work, burden)


SLOWED = 0.2  # of the time that its own tokens add to every step: how much longer the answers beside it take is felt
DUPLICATE = 4.0  # times its own prefill that a prompt costs the pool by filling a cache with what another holds
