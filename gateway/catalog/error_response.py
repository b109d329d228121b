"""Error responses: the status, header fields and words of a fault; the client API writes the body."""

from math import ceil

from backends.contract.client_error import ClientError
from policies.vocabulary.failure import Cause, Failure, Fault

_PASSED_ON = frozenset({Failure.NOT_FOUND, Failure.CONTENT_FILTERED, Failure.CONTEXT_TOO_LONG, Failure.BAD_REQUEST})


class ErrorResponse(ClientError, frozen=True):
    """What a client gets instead of an answer. ``retry_after``: seconds."""

    retry_after: float | None = None
    final: bool = False  # every endpoint was tried: a client's own retry would only repeat ours

    def lines(self) -> bytes:
        if self.retry_after is not None:
            return b"retry-after: %d\r\n" % max(1, ceil(self.retry_after))
        return b"x-should-retry: false\r\n" if self.final else b""


def passes_on(fault: Fault) -> bool:
    """The upstream's own reply is the answer: it speaks of the client's request."""
    return fault.failure in _PASSED_ON and fault.status >= 400 and bool(fault.body)


def of_fault(fault: Fault, tried: tuple[str, ...], retry_after: float | None) -> ErrorResponse:
    """The response for a fault of the upstream or our own."""
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


def in_stream(fault: Fault) -> ClientError:
    """The error that ends a committed stream."""
    return ClientError(fault.failure.status, fault.message, fault.failure.type, fault.failure.code)
