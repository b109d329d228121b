"""Upstream refusals, whole or in-band, as our failures."""

import re
from collections.abc import Mapping

import msgspec

from backends.contract import retry_after
from policies.vocabulary.failure import Failure, Fault

_MODEL_FAULTS = frozenset({"tool_use_failed", "output_parse_failed"})  # Groq's 400 for what the model wrote
_TOO_LONG = re.compile(
    r"maximum context length|context_length_exceeded|context window|prompt is too long|input is too long"
    r"|context limit|exceeds? the (?:maximum|model'?s?).{0,40}(?:tokens|length)|max_model_len",
    re.IGNORECASE,
)
_FILTERED = re.compile(r"content_filter|content management policy|content_policy_violation|ResponsibleAIPolicy", re.I)
_UNPAID = "credit balance is too low"  # which Anthropic says with a 400
_QUOTA = frozenset(
    {
        "insufficient_quota",
        "credit_balance_exhausted",
        "billing_not_active",
        "billing_error",
        "enforced_spend_limit_reached",
    }
)
_RATE = frozenset({"rate_limit_exceeded", "rate_limit_error", "slow_down", "tokens", "requests"})
_OVERLOADED = frozenset({"overloaded_error", "overloaded", "capacity_exceeded", "service_unavailable"})

#: Failures after which a provider may say when to come back.
_WAITS = frozenset({Failure.RATE_LIMITED, Failure.OVERLOADED, Failure.SERVER_ERROR})

_BY_STATUS = {
    401: Failure.AUTH,
    402: Failure.RATE_LIMITED,
    403: Failure.AUTH,
    404: Failure.NOT_FOUND,
    407: Failure.AUTH,
    408: Failure.SERVER_ERROR,
    412: Failure.RATE_LIMITED,  # Fireworks: the account is suspended
    424: Failure.SERVER_ERROR,
    425: Failure.SERVER_ERROR,
    429: Failure.RATE_LIMITED,
    498: Failure.OVERLOADED,
    503: Failure.OVERLOADED,
    529: Failure.OVERLOADED,
}


class _Error(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    code: str | int | None = None
    enveloped: bool = True  # it came as clients expect an error: an object under ``error``


class _Envelope(msgspec.Struct):
    error: _Error | str | None = None
    message: str | None = None
    detail: str | list[object] | None = None


def of_reply(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Fault:
    """The fault of a reply whose status is not 2xx."""
    error = _read(body)
    if status == 400 and _UNPAID in (error.message or ""):
        status = 402
    failure = _failure(status, error)
    if failure is Failure.AUTH:  # its words may quote the credential
        return Fault(failure, f"the upstream refused this gateway's credential ({status})", status=status)
    return Fault(
        failure,
        error.message or f"the upstream answered {status}",
        retry_after=retry_after.delay(headers, body) if failure in _WAITS else None,
        credential=status in (402, 412) or error.code in _QUOTA or error.type in _QUOTA,
        status=status,
        body=body if error.enveloped else b"",
        content_type=headers.get(b"content-type", b"application/json"),
    )


def in_band(error: bytes) -> Fault:
    """The fault of an error inside a 200: ``error`` is its JSON (an object or a string)."""
    read = _read(b'{"error":' + error + b"}")
    text = str(read.code)
    code = int(text) if len(text) == 3 and text.isdecimal() else None
    status = code if code is not None and 400 <= code < 600 else 500
    if read.type in _RATE or read.code in _RATE or read.type in _QUOTA or read.code in _QUOTA:
        status = 429
    elif read.type in _OVERLOADED or read.code in _OVERLOADED:
        status = 503
    elif code is None and (read.type == "invalid_request_error" or _of_the_request(read)):
        status = 400
    failure = _failure(status, read)
    return Fault(
        failure,
        read.message or "the upstream sent an error",
        retry_after=retry_after.of_body(error) if failure in _WAITS else None,
        credential=read.code in _QUOTA or read.type in _QUOTA,
        status=status,
        body=b'{"error":' + error + b"}",
    )


def _read(body: bytes) -> _Error:
    try:
        envelope = msgspec.json.decode(body, type=_Envelope | list[_Envelope])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _Error(enveloped=False)
    if isinstance(envelope, list):  # Google's OpenAI endpoint wraps its errors so
        envelope = envelope[0] if envelope else _Envelope()
        if isinstance(envelope.error, _Error):
            return msgspec.structs.replace(envelope.error, enveloped=False)
    if isinstance(envelope.error, _Error):
        return envelope.error
    if isinstance(envelope.error, str):
        return _Error(envelope.error, enveloped=False)
    return _Error(envelope.message or str(envelope.detail or ""), enveloped=False)


def _failure(status: int, error: _Error) -> Failure:
    if status in (400, 413, 422):
        if error.code in _MODEL_FAULTS:
            return Failure.SERVER_ERROR
        return _of_the_request(error) or Failure.BAD_REQUEST
    known = _BY_STATUS.get(status)
    if known is not None:
        return known
    if status < 400:
        return Failure.MALFORMED  # a redirect, or a 1xx that ended: nothing a client of an API can use
    return Failure.SERVER_ERROR if status >= 500 else Failure.BAD_REQUEST


def _of_the_request(error: _Error) -> Failure | None:
    """The client's fault that has a place of its own to go to, told by code or by words."""
    text = f"{error.code} {error.type} {error.message}"
    if _TOO_LONG.search(text):
        return Failure.CONTEXT_TOO_LONG
    return Failure.CONTENT_FILTERED if _FILTERED.search(text) else None


def unsupported(fields: tuple[str, ...], model: str) -> Fault:
    """The refusal of fields that have no place in the upstream's dialect."""
    names = ", ".join(f"'{name}'" for name in fields)
    message = f"{names}: not supported by the model '{model}' here (unsupported: drop would leave such fields out)"
    return Fault(Failure.BAD_REQUEST, message, param=fields[0])
