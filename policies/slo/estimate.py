"""An estimate. Rule: what one request would take at one place: GPU-seconds, dollars, and the chance of being late."""

import msgspec

from policies.predict.latency import HardwareClass, LatencyPredictor, Prediction, Situation
from policies.types import Price, Usage

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


class Estimate(msgspec.Struct, frozen=True, gc=False):
    """One request at one place. ``late``: the probability of missing its target; ``work``: GPU-seconds."""

    situation: Situation
    first: Prediction
    each: Prediction
    late: float
    work: float


def estimate(
    predictor: LatencyPredictor,
    situation: Situation,
    prompt_tokens: float,
    output_tokens: float,
    target: Target,
    capacity: float | None,
) -> Estimate:
    """``output_tokens``: expected; ``capacity``: tokens the endpoint's KV cache holds, None where that is not known."""
    first, each = predictor.first_token(situation), predictor.each_token(situation)
    limit = target.first(prompt_tokens)
    timely = 1.0 if limit is None else first.within(limit)
    if target.tpot is not None and output_tokens > 1.0:
        timely *= each.within(target.tpot)
    work = compute(predictor.hardware, situation, prompt_tokens, output_tokens) * predictor.factor
    if capacity:
        residence = first.seconds + output_tokens * each.seconds
        work = max(work, (prompt_tokens + output_tokens) * residence / capacity)
    return Estimate(situation, first, each, 1.0 - timely, work)


def compute(hardware: HardwareClass, situation: Situation, prompt_tokens: float, output_tokens: float) -> float:
    """GPU-seconds that the request adds: its prefill, and its share of each step of decoding."""
    _, k1, k2, *_ = hardware.first.line.weights
    _, by_sequence, by_context = hardware.each.line.weights
    thousands = situation.uncached / KILO
    context = (prompt_tokens + output_tokens / 2) / KILO
    return k1 * thousands + k2 * thousands**2 + output_tokens * (by_sequence + by_context * context)


def dollars(price: Price, prompt_tokens: float, cached_tokens: float, output_tokens: float) -> float:
    """USD of it where tokens have a price."""
    return Usage(round(prompt_tokens), round(output_tokens), round(cached_tokens)).cost(price)
