"""Refusals. Rule: a fault becomes the status, headers and body a client sees here, in the dialect it spoke."""

from math import ceil

import msgspec

from policies.vocabulary.failure import Cause, Failure, Fault

ANTHROPIC = frozenset({"messages", "count_tokens"})
_ANTHROPIC_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}
_PASSED_ON = frozenset({Failure.NOT_FOUND, Failure.CONTENT_FILTERED, Failure.CONTEXT_TOO_LONG, Failure.BAD_REQUEST})


class ErrorResponse(msgspec.Struct, frozen=True):
    """What a client is told instead of an answer. ``retry_after``: seconds."""

    status: int
    message: str
    type: str = "invalid_request_error"
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    final: bool = False  # we are out of options: a client's own retry would only repeat ours

    def lines(self) -> bytes:
        if self.retry_after is not None:
            return b"retry-after: %d\r\n" % max(1, ceil(self.retry_after))
        return b"x-should-retry: false\r\n" if self.final else b""

    def body(self, family: str) -> bytes:
        if family in ANTHROPIC:
            kind = _ANTHROPIC_TYPES.get(self.status, "api_error")
            return msgspec.json.encode({"type": "error", "error": {"type": kind, "message": self.message}})
        error = {"message": self.message, "type": self.type, "param": self.param, "code": self.code}
        return msgspec.json.encode({"error": error})


def passes_on(fault: Fault) -> bool:
    """The upstream's own reply is the answer: it speaks of the client's request."""
    return fault.failure in _PASSED_ON and fault.status >= 400 and bool(fault.body)


def of_fault(fault: Fault, tried: tuple[str, ...], retry_after: float | None) -> ErrorResponse:
    """The refusal for a fault of the upstream or our own."""
    failure = fault.failure
    message = fault.message
    if failure.caused_by is Cause.UPSTREAM and tried:
        message = f"{message} (tried: {', '.join(tried)})"
    return ErrorResponse(
        status=fault.status if failure in _PASSED_ON and fault.status >= 400 else failure.status,
        message=message,
        type=failure.type,
        code=failure.code,
        param=fault.param,
        retry_after=retry_after if failure.status in (429, 503) else None,
        final=failure.caused_by is not Cause.CLIENT,
    )


def in_band(fault: Fault, family: str, events: str) -> bytes:
    """The event that ends a committed stream which broke: an error, and no terminator after it."""
    body = ErrorResponse(fault.failure.status, fault.message, fault.failure.type, fault.failure.code).body(family)
    if events == "openai":
        return b"data: " + body + b"\n\n"
    if family in ANTHROPIC:
        return b"event: error\ndata: " + body + b"\n\n"
    event = {"type": "error", "code": fault.failure.code, "message": fault.message, "param": None}
    return b"event: error\ndata: " + msgspec.json.encode(event) + b"\n\n"
