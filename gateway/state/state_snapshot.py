"""A snapshot of everything that decisions read, at one moment.

Told with `/api/status?state`, and taken up by `cloverleaf explain --state`. What caches hold is not in it, nor is any
credential.
"""

from collections import OrderedDict
from collections.abc import Mapping
from types import GenericAlias
from typing import Any, get_args, get_origin

import msgspec

from gateway.state.live_state import LiveState
from policies.learning.difficulty.threshold import Threshold
from policies.learning.learners.rate import Rates
from policies.learning.predict.length import Lengths
from policies.learning.slo.gpu_price import ShadowPrice
from policies.learning.slo.miss_price import MissPrice
from policies.load.candidate import Candidate
from policies.load.load import Load


class Endpoint(msgspec.Struct, array_like=True):
    """A place's load, and what is left of its quota domain."""

    deployment: str
    url: str
    load: Load
    cooled_until: float
    requests_left: float
    tokens_left: float
    left_until: float


class Pooled(msgspec.Struct, array_like=True):
    in_flight: int
    work: float
    rates: Rates | None
    shadow: ShadowPrice | None


class Learned(msgspec.Struct):
    bytes_per_token: dict[str, float]
    output: dict[str, float]
    thresholds: dict[str, Threshold]
    misses: dict[str, MissPrice]
    lengths: dict[str, Lengths]


class State(msgspec.Struct):
    """``now``: the monotonic time that all of it stands at."""

    now: float
    endpoints: list[Endpoint]
    pools: dict[str, Pooled]
    learned: Learned


def saved(live: LiveState, candidates: Mapping[str, tuple[Candidate, ...]], now: float) -> bytes:
    """The state in one piece."""
    places = [c for each in candidates.values() for c in each]
    learned = live.foresight.learned()
    state = State(
        now,
        [Endpoint(*c.id, c.load, *_left(c)) for c in places],
        {name: Pooled(each.in_flight, each.work, each.rates, each.shadow) for name, each in live.pools.items()},
        Learned(
            live.bytes_per_token,
            live.output,
            live.judge.thresholds,
            learned["miss"],
            learned["lengths"],
        ),
    )
    return msgspec.msgpack.encode(state)


def restore(data: bytes, live: LiveState, candidates: Mapping[str, tuple[Candidate, ...]]) -> float:
    """Put it where it was; the time it stands at. What the configuration no longer names is left out.

    Raises:
        MsgspecError: it is no saved state.
    """
    state = msgspec.msgpack.decode(data, type=State, dec_hook=_ordered)
    known = {(each.deployment, each.url): each for each in state.endpoints}
    for candidate in (c for each in candidates.values() for c in each):
        found = known.get(candidate.id)
        if found is not None:
            _copy(found.load, candidate.load)
            domain = candidate.domain
            domain.cooled_until, domain.left_until = found.cooled_until, found.left_until
            domain.requests_left, domain.tokens_left = found.requests_left, found.tokens_left
    for name, pool in live.pools.items():
        if name in state.pools:
            was = state.pools[name]
            pool.in_flight, pool.work = was.in_flight, was.work
            pool.rates, pool.shadow = was.rates or pool.rates, was.shadow or pool.shadow
    learned = state.learned
    live.bytes_per_token, live.output = learned.bytes_per_token, learned.output
    live.judge.thresholds = learned.thresholds
    own = live.foresight.learned()
    own["miss"].update(learned.misses)
    own["lengths"].update(learned.lengths)
    return state.now


def _ordered(kind: Any, value: Any) -> Any:
    """The one kind of field that msgspec leaves to us."""
    if get_origin(kind) is not OrderedDict:
        raise NotImplementedError
    return OrderedDict(msgspec.convert(value, GenericAlias(dict, get_args(kind)), dec_hook=_ordered))


def _left(candidate: Candidate) -> tuple[float, float, float, float]:
    domain = candidate.domain
    return domain.cooled_until, domain.requests_left, domain.tokens_left, domain.left_until


def _copy(source: Load, load: Load) -> None:
    """All but the rules, which are the configuration's; what nobody learned then is as new."""
    for name in Load.__struct_fields__:
        value = getattr(source, name)
        if name != "rules" and value is not None:
            setattr(load, name, value)
