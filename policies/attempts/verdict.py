"""The failure table: what to do after each kind of failure, by how far the attempt had come."""

from enum import Enum

from policies.vocabulary.failure import Failure, Progress


class Verdict(Enum):
    """What the attempt machine does next."""

    STOP = "tell the client"
    RATE = "an equal outside the quota domain; else wait and ask again; else the next tier"
    RETRY = "once more on the same deployment at once, then the next"
    NEXT = "the next endpoint or tier at once; the same deployment only when there is no other"
    SILENT = "the next endpoint or tier; never the same endpoint again"
    ELSEWHERE = "another deployment; every endpoint of this one would say the same"
    LARGER = "the model's context_window_fallbacks"
    MILDER = "the model's content_policy_fallbacks"


_UNCOMMITTED = {
    Failure.RATE_LIMITED: Verdict.RATE,
    Failure.OVERLOADED: Verdict.NEXT,
    Failure.SERVER_ERROR: Verdict.RETRY,
    Failure.TIMEOUT_CONNECT: Verdict.NEXT,
    Failure.TIMEOUT_RESPONSE: Verdict.SILENT,
    Failure.TIMEOUT_TTFT: Verdict.SILENT,
    Failure.STREAM_IDLE: Verdict.SILENT,
    Failure.UNREACHABLE: Verdict.NEXT,
    Failure.BROKEN_STREAM: Verdict.RETRY,
    Failure.MALFORMED: Verdict.ELSEWHERE,
    Failure.AUTH: Verdict.ELSEWHERE,
    Failure.NOT_FOUND: Verdict.ELSEWHERE,
    Failure.BAD_REQUEST: Verdict.STOP,
    Failure.CONTEXT_TOO_LONG: Verdict.LARGER,
    Failure.CONTENT_FILTERED: Verdict.MILDER,
    Failure.CANCELLED: Verdict.STOP,
    Failure.NO_ENDPOINT: Verdict.STOP,
    Failure.SHED: Verdict.STOP,
    Failure.DEADLINE: Verdict.STOP,
}

VERDICTS: dict[tuple[Failure, Progress], Verdict] = {
    **{(failure, Progress.UNCOMMITTED): verdict for failure, verdict in _UNCOMMITTED.items()},
    **{(failure, Progress.COMMITTED): Verdict.STOP for failure in Failure},
}
