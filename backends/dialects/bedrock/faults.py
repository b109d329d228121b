"""Bedrock's errors as failures: by the exception's name, and for ValidationException by its message."""

import re
from collections.abc import Mapping

import msgspec

from backends.contract import faults
from policies.vocabulary.failure import Failure, Fault

_KINDS: Mapping[str, Failure] = {
    "throttlingexception": Failure.RATE_LIMITED,
    "servicequotaexceededexception": Failure.RATE_LIMITED,
    "toomanyrequestsexception": Failure.RATE_LIMITED,
    "modelnotreadyexception": Failure.OVERLOADED,  # still loading: another place answers meanwhile
    "serviceunavailableexception": Failure.OVERLOADED,
    "internalserverexception": Failure.SERVER_ERROR,
    "modeltimeoutexception": Failure.SERVER_ERROR,
    "modelerrorexception": Failure.SERVER_ERROR,
    "modelstreamerrorexception": Failure.SERVER_ERROR,
    "accessdeniedexception": Failure.AUTH,
    "unrecognizedclientexception": Failure.AUTH,
    "invalidsignatureexception": Failure.AUTH,
    "incompletesignatureexception": Failure.AUTH,
    "missingauthenticationtokenexception": Failure.AUTH,
    "expiredtokenexception": Failure.AUTH,
    "resourcenotfoundexception": Failure.NOT_FOUND,
}
_NO_MODEL = re.compile(r"model identifier is invalid|on-demand throughput isn.t supported|end of its life", re.I)
_DAILY = re.compile(r"tokens per day", re.I)
DAILY = 300.0  # seconds; a day's quota comes back at midnight, wherever that is: asked again now and then
_OVERLOADED = frozenset({503, 529})


class _Body(msgspec.Struct, rename={"kind": "__type", "status": "originalStatusCode"}):
    message: str = ""
    kind: str = ""
    status: int | None = None


def of_reply(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
    """The fault of a reply outside 2xx."""
    read = _read(body)
    kind = headers.get(b"x-amzn-errortype", read.kind.encode()).decode("latin-1")
    fault = faults.of_reply(status, headers, body)
    return _refined(fault, kind.partition(":")[0].rpartition("#")[2], read)


def of_exception(headers: Mapping[str, object], payload: bytes) -> Fault:
    """The fault of an exception (or error) frame inside a stream."""
    read = _read(payload)
    kind = str(headers.get(":exception-type") or headers.get(":error-code") or "")
    message = read.message or str(headers.get(":error-message") or "") or f"the upstream's stream failed: {kind}"
    status = 400 if kind.lower().startswith("validation") else 500
    plain = faults.of_reply(status, {}, msgspec.json.encode({"message": message}))
    return _refined(plain, kind, read)


def _refined(fault: Fault, kind: str, read: _Body) -> Fault:
    failure = _KINDS.get(kind.lower(), fault.failure)
    if read.status == 429:
        failure = Failure.RATE_LIMITED
    elif read.status in _OVERLOADED:
        failure = Failure.OVERLOADED
    if failure is Failure.BAD_REQUEST and _NO_MODEL.search(read.message):
        failure = Failure.NOT_FOUND
    delay = fault.retry_after
    if failure is Failure.RATE_LIMITED and delay is None and _DAILY.search(read.message):
        delay = DAILY
    message = fault.message
    if failure is Failure.AUTH:  # its words may quote the credential, or the account
        message = f"the upstream refused this gateway's credential ({kind or fault.status})"
    return msgspec.structs.replace(fault, failure=failure, retry_after=delay, message=message)


def _read(body: bytes) -> _Body:
    try:
        return msgspec.json.decode(body, type=_Body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return _Body()
