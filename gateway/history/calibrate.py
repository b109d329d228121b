"""Calibration. Rule: how fast places were is read from what they did; too little to tell, and the usual is taken.

A replica's times are fitted to its own answers, by how many it was at work on meanwhile; a cloud's by its medians.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable
from statistics import median

import msgspec

from backends.engine.profile import Profile
from gateway.history.past import Past
from gateway.simulate.spec import CloudSpec
from policies.predict.regression import NonNegative

ENOUGH = 50  # streamed answers
KILO = 1000.0


def replica(requests: Iterable[Past], own: Collection[str]) -> Profile | None:
    """The profile of the own deployments' endpoints; None: too few of their answers were streamed."""
    timed = [each for each in requests if each.deployment in own and _timed(each)]
    if len(timed) < ENOUGH:
        return None
    usual, busy = Profile(), _at_work(timed)
    decode = NonNegative([usual.decode_base, usual.decode_per_sequence], 1e-4)
    prefill = NonNegative([usual.prefill_base, KILO * usual.prefill_per_token], 1e-3)
    idle = median(busy)
    for each, others in zip(timed, busy, strict=True):
        assert each.first is not None and each.seconds is not None
        if each.output >= 8:
            decode.observe((1.0, others), (each.seconds - each.first) / (each.output - 1))
        if others <= idle:  # what waits behind others tells of them
            prefill.observe((1.0, each.prompt / KILO), each.first)
    return msgspec.structs.replace(
        usual,
        prefill_base=prefill.weights[0],
        prefill_per_token=prefill.weights[1] / KILO,
        prefill_per_token_squared=0.0,
        decode_base=max(decode.weights[0], 1e-4),
        decode_per_sequence=decode.weights[1],
        decode_per_context_token=0.0,
    )


def cloud(requests: Iterable[Past], own: Collection[str]) -> CloudSpec | None:
    """How the other deployments answered; None: too few of their answers were streamed."""
    timed = [each for each in requests if each.deployment not in own and _timed(each)]
    if len(timed) < ENOUGH:
        return None
    firsts = [each.first for each in timed if each.first is not None]
    paces = [
        (each.seconds - each.first) / (each.output - 1)
        for each in timed
        if each.first is not None and each.seconds is not None and each.output >= 8
    ]
    return CloudSpec(ttft=median(firsts), per_1k_tokens=0.0, tpot=median(paces) if paces else CloudSpec().tpot)


def _timed(each: Past) -> bool:
    return each.first is not None and each.seconds is not None and not each.failed


def _at_work(timed: list[Past]) -> list[float]:
    """For each request, how many its endpoint was at work on when it came, itself included."""
    starts: dict[str, list[float]] = {}
    ends: dict[str, list[float]] = {}
    for each in timed:
        starts.setdefault(each.endpoint, []).append(each.at)
        ends.setdefault(each.endpoint, []).append(each.at + (each.seconds or 0.0))
    for moments in (*starts.values(), *ends.values()):
        moments.sort()
    return [
        float(bisect_right(starts[each.endpoint], each.at) - bisect_left(ends[each.endpoint], each.at))
        for each in timed
    ]
