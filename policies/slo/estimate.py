"""An estimate. Rule: what one request would take at one place: GPU-seconds, dollars, and the chance of being late."""

import msgspec

from policies.predict.latency import HardwareClass, LatencyPredictor, Prediction, Situation

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
    first, each = predictor.first_token(situation, now), predictor.each_token(situation, now)
    if overdue > 1.0:
        first = msgspec.structs.replace(first, seconds=first.seconds * overdue)
    limit = target.first(prompt_tokens)
    timely = 1.0 if limit is None else first.within(limit)
    if target.tpot is not None and output_tokens > 1.0:
        timely *= each.within(target.tpot)
    factor = predictor.factor(now)
    decode = factor * decoding(predictor.hardware, prompt_tokens, output_tokens)
    work = factor * prefilling(predictor.hardware, situation) + decode
    if capacity:
        residence = first.seconds + output_tokens * each.seconds
        work = max(work, (prompt_tokens + output_tokens) * residence / capacity)
    prefill = predictor.hardware.first.line.weights[1] * situation.uncached / KILO * factor
    burden = first.seconds + (DUPLICATE + situation.waiting) * prefill + SLOWED * situation.running * decode
    return Estimate(situation, first, each, 1.0 - timely, work, burden)


SLOWED = 0.5  # of the time that its own tokens add to every step: how much longer the answers beside it take is felt
DUPLICATE = 4.0  # times its own prefill that a prompt costs the pool by filling a cache with what another holds


def prefilling(hardware: HardwareClass, situation: Situation) -> float:
    """GPU-seconds of the prompt."""
    _, k1, k2, *_ = hardware.first.line.weights
    thousands = situation.uncached / KILO
    return k1 * thousands + k2 * thousands**2


def decoding(hardware: HardwareClass, prompt_tokens: float, output_tokens: float) -> float:
    """GPU-seconds of the answer: its share of each step that it is in."""
    _, by_sequence, by_context = hardware.each.line.weights
    return output_tokens * (by_sequence + by_context * (prompt_tokens + output_tokens / 2) / KILO)
