"""The checkpoint of learned state, kept in the ledger. Pieces that are old, foreign or of another shape are refused.

Pieces are encoded by the ledger's thread while the event loop goes on: msgspec holds the interpreter's lock for each,
so that none is seen half changed.
"""

from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from math import isfinite
from typing import Any

import msgspec

from gateway import clock
from gateway.catalog.catalog import Catalog
from gateway.ledger.state import OLDEST, Piece
from gateway.recording.log import Log
from gateway.state.live_state import LiveState
from policies.learning.difficulty.threshold import Threshold
from policies.learning.learners.speed import Speed
from policies.learning.predict.latency import HardwareClass, LatencyPredictor
from policies.learning.predict.length import Lengths
from policies.learning.slo.gpu_price import ShadowPrice
from policies.learning.slo.miss_price import MissPrice

KINDS: dict[str, type] = {
    "class": HardwareClass, "predictor": LatencyPredictor, "speed": Speed, "shadow": ShadowPrice,
    "miss": MissPrice, "lengths": Lengths, "bytes": float, "output": float,
    "threshold": Threshold,
}  # fmt: skip
MOMENTS = frozenset({"heard", "heard_at", "seen_at", "updated"})  # fields that hold monotonic seconds
SEPARATOR = " "


@cache
def version() -> str:
    """Stands for the shape of all that is learned: it changes when a learner does."""
    schemas, parts = msgspec.json.schema_components(KINDS.values())
    return sha256(msgspec.json.encode([schemas, parts], order="deterministic")).hexdigest()[:16]


def pieces(live: LiveState, catalog: Catalog) -> Iterator[Piece]:
    """Everything learned, as of now."""
    shape, wall, now = version(), clock.wall(), clock.now()
    for name, what, value in _parts(live, catalog):
        yield Piece(name, what, shape, wall, now, msgspec.msgpack.encode(value))


def recall(live: LiveState, catalog: Catalog, saved: list[Piece], log: Log) -> None:
    """Take over what is still true here; the log says what, and what not."""
    if not saved:
        return
    shape, wall, now = version(), clock.wall(), clock.now()
    age = wall - max(piece.time for piece in saved)
    if age > OLDEST or age < -OLDEST:
        log.event("warning", "learned", f"what the ledger knows was learned {age / 3600:.0f} h ago: starting cold")
        return
    current = [piece for piece in saved if piece.version == shape and wall - piece.time <= OLDEST]
    if not current:
        log.event("warning", "learned", "what the ledger knows is another version's: starting cold")
        return
    known = {name: (what, value) for name, what, value in _parts(live, catalog)}
    taken = sum(_take(live, known, piece, now - (wall - piece.time) - piece.moment) for piece in current)
    log.event("info", "learned", f"warm: {taken} of {len(saved)} things learned {age:.0f} s ago hold here")


def _take(live: LiveState, known: dict[str, tuple[str, Any]], piece: Piece, passed: float) -> bool:
    kind, _, name = piece.name.partition(SEPARATOR)
    what, own = known.get(piece.name, ("", None))
    if kind not in KINDS or (own is None and kind not in _by_model(live)) or (own is not None and what != piece.what):
        return False
    try:
        value: Any = msgspec.msgpack.decode(piece.value, type=KINDS[kind])
    except msgspec.MsgspecError:
        return False
    _shift(value, passed)
    if own is None or isinstance(own, float):
        _by_model(live)[kind][name] = value
        return True
    for field in own.__struct_fields__:
        if isinstance(own, LatencyPredictor) and field == "hardware":
            continue  # shared by its class, which is a piece of its own
        setattr(own, field, getattr(value, field))
    return True


def _by_model(live: LiveState) -> dict[str, dict[str, Any]]:
    """What is learned of a model begins when the first request comes."""
    learned = live.foresight.learned()
    return {
        "bytes": live.bytes_per_token,
        "output": live.output,
        "miss": learned["miss"],
        "lengths": learned["lengths"],
        "threshold": live.judge.thresholds,
    }


def _parts(live: LiveState, catalog: Catalog) -> Iterator[tuple[str, str, Any]]:
    """Each thing's name, what it is of, and itself."""
    for kind, by_model in _by_model(live).items():
        for name, value in list(by_model.items()):
            yield f"{kind}{SEPARATOR}{name}", name, value
    classes = live.foresight.learned()["class"]
    for name, candidates in catalog.candidates.items():
        if not candidates:
            continue
        place = candidates[0].deployment
        what = f"{place.provider}:{place.model}"
        if name in classes:
            yield f"class{SEPARATOR}{name}", what, classes[name]
        if candidates[0].pool.shadow is not None:
            yield f"shadow{SEPARATOR}{name}", what, candidates[0].pool.shadow
        for candidate in candidates:
            id = f"{name}{SEPARATOR}{candidate.id[1]}"
            if candidate.load.predictor is not None:
                yield f"predictor{SEPARATOR}{id}", what, candidate.load.predictor
            if candidate.load.speed is not None:
                yield f"speed{SEPARATOR}{id}", what, candidate.load.speed


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
