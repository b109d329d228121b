"""Anthropic's errors, as a client of its messages API reads them: whole, and within a stream."""

import msgspec

from backends.contract.client_error import ClientError

_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    413: "request_too_large",
    429: "rate_limit_error",
    503: "overloaded_error",
    504: "timeout_error",
}


def error_body(error: ClientError) -> bytes:
    """The body of an answer that is an error."""
    fields = {"type": _TYPES.get(error.status, "api_error"), "message": error.message}
    return msgspec.json.encode({"type": "error", "error": fields})


def error_event(error: ClientError) -> bytes:
    """The last event of a stream that broke."""
    return b"event: error\ndata: " + error_body(error) + b"\n\n"


def token_count(tokens: int) -> bytes:
    """The body that answers a question for a prompt's tokens."""
    return b'{"input_tokens":%d}' % tokens
