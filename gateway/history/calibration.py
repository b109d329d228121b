"""Calibration of simulated endpoints from recorded times; where records are too few, the usual profile is taken.

A replica's times are fitted to its own answers, by how many it was at work on meanwhile; a cloud's are medians.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Sequence
from statistics import median

import msgspec

from backends.engine.profile import Profile
from gateway.history.past_request import PastRequest
from gateway.simulate.workload_spec import CloudSpec
from policies.learning.pace import SHORTEST
from policies.vocabulary.quantile import quantile

ENOUGH = 50  # streamed answers
QUICKEST, QUICK = 0.1, 0.25


def replica(requests: Sequence[PastRequest], own: Collection[str]) -> Profile | None:
    """The profile of the own deployments' endpoints; None: too few of their answers were streamed.

    The usual one, so many times as slow to read and to write: what grows with the batch could be read from a history
    only as far as its own batches went. Of long, middling and short prompts the quickest tenth tells, which waited for
    no others; of answers the quicker quarter, which met least of others' prompts.
    """
    there = [each for each in requests if each.deployment in own and each.seconds is not None]
    pairs = [(each, busy) for each, busy in zip(there, _at_work(there), strict=True) if _timed(each)]
    if len(pairs) < ENOUGH:
        return None
    usual = Profile()
    reading, writing = [], []
    for each, busy in pairs:
        assert each.first is not None
        uncached = max(1, each.prompt - each.cached)
        reading.append((uncached, each.first / (usual.prefill_base + usual.prefill_seconds(0, uncached))))
        if each.pace is not None and each.output >= SHORTEST:
            context = round(busy * (each.prompt + each.output / 2))
            writing.append(each.pace / usual.decode_seconds(max(1, round(busy)), context))
    reading.sort()
    third = len(reading) // 3
    quick = (sorted(ratio for _, ratio in reading[at : at + third]) for at in (0, third, 2 * third))
    reads = median(quantile(ratios, QUICKEST) or 1.0 for ratios in quick)
    writes = quantile(sorted(writing), QUICK) or 1.0
    costs = {name: reads for name in usual.__struct_fields__ if name.startswith("prefill_")}
    costs |= {name: writes for name in usual.__struct_fields__ if name.startswith("decode_")}
    return msgspec.structs.replace(usual, **{name: times * getattr(usual, name) for name, times in costs.items()})


def cloud(requests: Iterable[PastRequest], own: Collection[str]) -> CloudSpec | None:
    """How the other deployments answered; None: too few of their answers were streamed."""
    timed = [each for each in requests if each.deployment not in own and _timed(each)]
    if len(timed) < ENOUGH:
        return None
    firsts = [each.first for each in timed if each.first is not None]
    paces = [each.pace for each in timed if each.pace is not None and each.output >= SHORTEST]
    return CloudSpec(ttft=median(firsts), per_1k_tokens=0.0, tpot=median(paces) if paces else CloudSpec().tpot)


def _timed(each: PastRequest) -> bool:
    return each.first is not None and each.seconds is not None and not each.failed


def _at_work(there: Sequence[PastRequest]) -> list[float]:
    """For each request, how many its endpoint was at work on, itself included: the mean of its beginning and end."""
    starts: dict[str, list[float]] = {}
    ends: dict[str, list[float]] = {}
    for each in there:
        starts.setdefault(each.endpoint, []).append(each.at)
        ends.setdefault(each.endpoint, []).append(each.at + (each.seconds or 0.0))
    for moments in (*starts.values(), *ends.values()):
        moments.sort()

    def at(endpoint: str, moment: float) -> int:
        return bisect_right(starts[endpoint], moment) - bisect_left(ends[endpoint], moment)

    return [(at(each.endpoint, each.at) + at(each.endpoint, each.at + (each.seconds or 0.0))) / 2 for each in there]
