"""Learned state as a list of pieces, in one format: kept in the ledger for the next start, or told as a snapshot.

The ledger gets what was learned; what is old, foreign or of another shape is refused when it is read. A snapshot
(`/api/status?state`, `cloverleaf explain --state`) has the counters of its moment besides, so that decisions can be
made again from it; what caches hold is not in it, nor is any credential.

Pieces are encoded by the ledger's thread while the event loop goes on: msgspec holds the interpreter's lock for each,
so that none is seen half changed.
"""

from collections import OrderedDict
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from math import isfinite
from types import GenericAlias
from typing import Any, get_args, get_origin

import msgspec

from gateway import clock
from gateway.ledger.state import OLDEST, Piece
from gateway.recording.log import Log
from gateway.state.live_state import LiveState
from policies.learning.difficulty.threshold import Threshold
from policies.learning.learners.rate import Rates
from policies.learning.learners.speed import Speed
from policies.learning.predict.latency import HardwareClass, LatencyPredictor
from policies.learning.predict.length import Lengths
from policies.learning.slo.gpu_price import ShadowPrice
from policies.learning.slo.miss_price import MissPrice
from policies.load.load import Load


class DomainState(msgspec.Struct):
    """What is left of a quota domain."""

    cooled_until: float
    requests_left: float
    tokens_left: float
    left_until: float


class PoolState(msgspec.Struct):
    """Counters of a deployment."""

    in_flight: int
    work: float
    rates: Rates | None


LEARNED: dict[str, Any] = {
    "class": HardwareClass, "predictor": LatencyPredictor, "speed": Speed, "shadow": ShadowPrice,
    "miss": MissPrice, "lengths": Lengths, "bytes": float, "output": float,
    "threshold": Threshold,
}  # fmt: skip
KINDS = LEARNED | {"load": Load, "domain": DomainState, "pool": PoolState}
MOMENTS = frozenset({"heard", "heard_at", "seen_at", "updated"})  # fields that hold monotonic seconds
FIXED = frozenset({"hardware", "rules"})  # not a piece's own: shared by its class, the configuration's
SEPARATOR = " "

Slot = tuple[str, str, Any, str]  # a piece's name, what it is of, the object that holds it (or dict), and under what


class Snapshot(msgspec.Struct):
    """``now``: the monotonic time that all of it stands at."""

    now: float
    pieces: list[tuple[str, bytes]]


@cache
def version() -> str:
    """Stands for the shape of all that is learned: it changes when a learner does."""
    schemas, parts = msgspec.json.schema_components(LEARNED.values())
    return sha256(msgspec.json.encode([schemas, parts], order="deterministic")).hexdigest()[:16]


def pieces(live: LiveState) -> Iterator[Piece]:
    """Everything learned, as of now."""
    shape, wall, now = version(), clock.wall(), clock.now()
    for name, what, holder, field in _learned(live):
        value = _get(holder, field)
        if value is not None:
            yield Piece(name=name, what=what, version=shape, time=wall, moment=now, value=msgspec.msgpack.encode(value))


def recall(live: LiveState, saved: list[Piece], log: Log) -> None:
    """Take over what is still true here; the log says what, and what not."""
    if not saved:
        return
    shape, wall, now = version(), clock.wall(), clock.now()
    age = wall - max(piece.time for piece in saved)
    if age > OLDEST or age < -OLDEST:
        log.event("warning", "learned", f"the saved state is {age / 3600:.0f} h old: starting cold")
        return
    current = [piece for piece in saved if piece.version == shape and wall - piece.time <= OLDEST]
    if not current:
        log.event("warning", "learned", "the saved state is of another version: starting cold")
        return
    slots = {slot[0]: slot for slot in _learned(live) if _get(*slot[2:]) is not None}
    taken = 0
    for piece in current:
        slot = slots.get(piece.name)
        if slot is None or slot[1] == piece.what:
            taken += _take(live, slot, piece.name, piece.value, now - (wall - piece.time) - piece.moment)
    log.event("info", "learned", f"warm start: {taken} of {len(saved)} saved entries apply, {age:.0f} s old")


def snapshot(live: LiveState, now: float) -> bytes:
    """Everything that decisions read, in one piece."""
    held = [(name, _get(holder, field)) for name, _, holder, field in (*_learned(live), *_counters(live))]
    told = [(name, msgspec.msgpack.encode(_told(name, value))) for name, value in held if value is not None]
    return msgspec.msgpack.encode(Snapshot(now, told))


def restore(data: bytes, live: LiveState) -> float:
    """Put it where it was; the time it stands at. What the configuration no longer names is left out.

    Raises:
        MsgspecError: it is no snapshot.
    """
    seen = msgspec.msgpack.decode(data, type=Snapshot)
    slots = {slot[0]: slot for slot in (*_learned(live), *_counters(live))}
    for name, value in seen.pieces:
        _take(live, slots.get(name), name, value, 0.0)
    return seen.now


def _told(name: str, value: Any) -> Any:
    if isinstance(value, Load):  # those two are pieces of their own
        return msgspec.structs.replace(value, speed=None, predictor=None)
    kind = KINDS[name.partition(SEPARATOR)[0]]
    return value if isinstance(value, kind) else msgspec.convert(value, kind, from_attributes=True)


def _take(live: LiveState, slot: Slot | None, name: str, data: bytes, passed: float) -> bool:
    """Put a piece into its slot, or, if it is of a model, where none is made before the first request comes."""
    kind, _, of = name.partition(SEPARATOR)
    holder, field = slot[2:] if slot is not None else (_by_model(live).get(kind), of)
    if holder is None:
        return False
    try:
        value: Any = msgspec.msgpack.decode(data, type=KINDS[kind], dec_hook=_ordered)
    except msgspec.MsgspecError:
        return False
    _shift(value, passed)
    own = _get(holder, field) if slot is not None else None
    if own is not None and not isinstance(own, float):
        for each in value.__struct_fields__:
            if each not in FIXED and (told := getattr(value, each)) is not None:
                setattr(own, each, told)
    elif isinstance(holder, dict):
        holder[field] = value
    else:
        setattr(holder, field, value)
    return True


def _get(holder: Any, field: str) -> Any:
    return holder.get(field) if isinstance(holder, dict) else getattr(holder, field)


def _by_model(live: LiveState) -> dict[str, dict[str, Any]]:
    """What is learned of a model begins when the first request comes."""
    learned = live.predictions.learned()
    return {
        "bytes": live.estimates.bytes_per_token,
        "output": live.estimates.output,
        "miss": learned["miss"],
        "lengths": learned["lengths"],
        "threshold": live.judge.thresholds,
    }


def _learned(live: LiveState) -> Iterator[Slot]:
    for kind, by_model in _by_model(live).items():
        for name in list(by_model):
            yield f"{kind}{SEPARATOR}{name}", name, by_model, name
    classes = live.predictions.learned()["class"]
    for name, members in list(live.endpoints.by_deployment.items()):
        for number, candidate in enumerate(members):
            what = f"{candidate.deployment.provider}:{candidate.deployment.model}"
            if not number:
                yield f"class{SEPARATOR}{name}", what, classes, name
                yield f"shadow{SEPARATOR}{name}", what, candidate.pool, "shadow"
            id = SEPARATOR.join(candidate.id)
            yield f"predictor{SEPARATOR}{id}", what, candidate.load, "predictor"
            yield f"speed{SEPARATOR}{id}", what, candidate.load, "speed"


def _counters(live: LiveState) -> Iterator[Slot]:
    for name in live.endpoints.pools:
        yield f"pool{SEPARATOR}{name}", name, live.endpoints.pools, name
    for candidate in live.endpoints.all.values():
        id = SEPARATOR.join(candidate.id)
        yield f"load{SEPARATOR}{id}", id, candidate, "load"
        yield f"domain{SEPARATOR}{id}", id, candidate, "domain"


def _ordered(kind: Any, value: Any) -> Any:
    """The one kind of field that msgspec leaves to us."""
    if get_origin(kind) is not OrderedDict:
        raise NotImplementedError
    return OrderedDict(msgspec.convert(value, GenericAlias(dict, get_args(kind)), dec_hook=_ordered))


def _shift(value: Any, by: float) -> None:
    """Move the moments in it to this process's clock."""
    for field in value.__struct_fields__ if isinstance(value, msgspec.Struct) else ():
        held = getattr(value, field)
        if field in MOMENTS:
            moved = [_moved(each, by) for each in held] if isinstance(held, list) else _moved(held, by)
            setattr(value, field, moved)
        for each in held if isinstance(held, list) else (held,):
            _shift(each, by)


def _moved(moment: float, by: float) -> float:
    return moment + by if moment and isfinite(moment) else moment
