"""Google's errors and refusals as failures, with the retry delay of the body.

An error is ``{"error": {"code", "message", "status", "details": [...]}}``, or that in an array.
"""

import re
from collections.abc import Mapping

import msgspec

from backends.contract import retry_after
from backends.dialects.google.wire import Feedback, Raw
from policies.vocabulary.failure import Failure, Fault

_BY_STATUS = {
    "RESOURCE_EXHAUSTED": Failure.RATE_LIMITED,
    "UNAVAILABLE": Failure.OVERLOADED,
    "INTERNAL": Failure.SERVER_ERROR,
    "UNKNOWN": Failure.SERVER_ERROR,
    "DEADLINE_EXCEEDED": Failure.SERVER_ERROR,
    "ABORTED": Failure.SERVER_ERROR,
    "CANCELLED": Failure.SERVER_ERROR,
    "UNAUTHENTICATED": Failure.AUTH,
    "PERMISSION_DENIED": Failure.AUTH,
    "NOT_FOUND": Failure.NOT_FOUND,
    "INVALID_ARGUMENT": Failure.BAD_REQUEST,
    "FAILED_PRECONDITION": Failure.BAD_REQUEST,
    "OUT_OF_RANGE": Failure.BAD_REQUEST,
    "UNIMPLEMENTED": Failure.BAD_REQUEST,
}
_BY_CODE = {
    401: Failure.AUTH, 402: Failure.RATE_LIMITED, 403: Failure.AUTH, 404: Failure.NOT_FOUND, 413: Failure.BAD_REQUEST,
    429: Failure.RATE_LIMITED, 503: Failure.OVERLOADED,
}  # fmt: skip
_TOO_LONG = re.compile(r"input token count.{0,60}exceeds|exceeds the maximum number of tokens", re.IGNORECASE)
TOMORROW = 600.0  # seconds after which a model whose quota for the day is spent is tried again
_DAILY = re.compile(r"PerDay", re.IGNORECASE)
_BAD_KEY = frozenset({"API_KEY_INVALID", "API_KEY_SERVICE_BLOCKED", "API_KEY_EXPIRED"})
_OURS = frozenset({"MISSING_THOUGHT_SIGNATURE"})  # of the conversation, which another try would not change


class _Violation(msgspec.Struct, rename="camel"):
    quota_id: str = ""


class _Detail(msgspec.Struct, rename="camel"):
    """Any of google.rpc's details: RetryInfo, QuotaFailure, ErrorInfo."""

    retry_delay: str = ""
    violations: list[_Violation] = []
    reason: str = ""


class _Error(msgspec.Struct):
    code: int = 0
    message: str = ""
    status: str = ""
    details: list[_Detail] = []


class _Envelope(msgspec.Struct):
    error: _Error


def of_reply(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
    """The fault of a reply whose status is not 2xx."""
    return _fault(status, _error(body), retry_after.delay(headers, b""))


def in_band(error: Raw) -> Fault:
    """The fault of an error inside a 200: ``error`` is its JSON."""
    read = _error(b'{"error":' + error + b"}")
    return _fault(read.code or 500, read, None)


def _error(body: bytes) -> _Error:
    try:
        if body.lstrip().startswith(b"["):
            return msgspec.json.decode(body, type=list[_Envelope])[0].error
        return msgspec.json.decode(body, type=_Envelope).error
    except (msgspec.DecodeError, IndexError, UnicodeDecodeError):
        return _Error()


def _fault(status: int, error: _Error, header: float | None) -> Fault:
    failure = _failure(status, error)
    if failure is Failure.AUTH:  # its words may quote the credential
        return Fault(failure, f"the upstream refused this gateway's credential ({status})", status=status)
    return Fault(
        failure,
        error.message or f"the upstream answered {status}",
        retry_after=_delay(error.details) if header is None else header,
        credential=status == 402,
        status=status,
    )


def _failure(status: int, error: _Error) -> Failure:
    if any(detail.reason in _BAD_KEY for detail in error.details):
        return Failure.AUTH
    failure = _BY_STATUS.get(error.status) or _BY_CODE.get(status)
    if failure is None:
        return Failure.SERVER_ERROR if status >= 500 else Failure.BAD_REQUEST if status >= 400 else Failure.MALFORMED
    if failure is Failure.BAD_REQUEST and _TOO_LONG.search(error.message):
        return Failure.CONTEXT_TOO_LONG
    return failure


def _delay(details: list[_Detail]) -> float | None:
    """Seconds, of a RetryInfo's ``34.4s``; what it says of a day's quota is too hopeful."""
    if any(_DAILY.search(one.quota_id) for detail in details for one in detail.violations):
        return TOMORROW
    for detail in details:
        if detail.retry_delay.endswith("s"):
            try:
                return max(0.0, float(detail.retry_delay[:-1]))
            except ValueError:
                return None
    return None


def blocked(feedback: Feedback) -> Fault:
    """The prompt was refused before anything was generated."""
    why = f": {feedback.block_reason_message}" if feedback.block_reason_message else ""
    return Fault(
        Failure.CONTENT_FILTERED, f"the upstream blocked the prompt ({feedback.block_reason}){why}", status=400
    )


def bad_finish(reason: str, message: str) -> Fault:
    """The model ended in a way that is no answer: a call that cannot be read, say; another try may do better."""
    failure = Failure.BAD_REQUEST if reason in _OURS else Failure.MALFORMED
    why = f": {message}" if message else ""
    return Fault(failure, f"the upstream's model ended with {reason}{why}", status=400 if reason in _OURS else 0)
