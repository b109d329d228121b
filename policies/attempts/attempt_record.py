"""What an outcome records of each attempt, and the ids of its trace. Times are monotonic seconds."""

import msgspec


class Trace(msgspec.Struct, frozen=True, gc=False):
    """Ids of a sampled request's trace, of its own span, and of its caller's (0: it has none)."""

    trace_id: int  # 128 bits
    span_id: int  # 64 bits
    parent: int = 0
    sampled: bool = True


class AttemptRecord(msgspec.Struct, frozen=True, gc=False):
    """An attempt that did not bring the answer, or not all of it. ``reason``: why it was made, as of an Outcome."""

    deployment: str
    endpoint: str
    began: float
    ended: float
    end: str  # the code of its failure
    reason: str
    signal: str
    first_token: float = 0.0  # when its first content was in hand; 0: never
