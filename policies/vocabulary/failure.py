"""Failures: every way a request can fail, with who caused it and what the client sees.

client    BAD_REQUEST  CONTEXT_TOO_LONG  CONTENT_FILTERED  CANCELLED
upstream  RATE_LIMITED  OVERLOADED  SERVER_ERROR  AUTH  NOT_FOUND  MALFORMED
          UNREACHABLE  TIMEOUT_CONNECT                                   never reached
          TIMEOUT_RESPONSE  TIMEOUT_TTFT  STREAM_IDLE                    silence
          BROKEN_STREAM                                                  cut off
us        NO_ENDPOINT  SHED  DEADLINE
"""

from enum import Enum

import msgspec


class Cause(Enum):
    """Who failed: decides whether a breaker counts it and whether the text of the error is the upstream's."""

    CLIENT = "client"
    UPSTREAM = "upstream"
    US = "us"


class Failure(Enum):
    """One kind of failure: who failed, the HTTP status and the OpenAI error type a client sees, and its code."""

    RATE_LIMITED = (Cause.UPSTREAM, 429, "rate_limit_error", "rate_limit_exceeded")
    OVERLOADED = (Cause.UPSTREAM, 503, "server_error", "overloaded")
    SERVER_ERROR = (Cause.UPSTREAM, 502, "server_error", "upstream_error")
    TIMEOUT_CONNECT = (Cause.UPSTREAM, 504, "server_error", "connect_timeout")
    TIMEOUT_RESPONSE = (Cause.UPSTREAM, 504, "server_error", "response_timeout")
    TIMEOUT_TTFT = (Cause.UPSTREAM, 504, "server_error", "first_token_timeout")
    STREAM_IDLE = (Cause.UPSTREAM, 504, "server_error", "stream_idle")
    UNREACHABLE = (Cause.UPSTREAM, 502, "server_error", "unreachable")
    BROKEN_STREAM = (Cause.UPSTREAM, 502, "server_error", "broken_stream")
    MALFORMED = (Cause.UPSTREAM, 502, "server_error", "malformed_answer")
    AUTH = (Cause.UPSTREAM, 502, "server_error", "upstream_auth")
    NOT_FOUND = (Cause.UPSTREAM, 404, "invalid_request_error", "model_not_found")
    BAD_REQUEST = (Cause.CLIENT, 400, "invalid_request_error", "bad_request")
    CONTEXT_TOO_LONG = (Cause.CLIENT, 400, "invalid_request_error", "context_length_exceeded")
    CONTENT_FILTERED = (Cause.CLIENT, 400, "invalid_request_error", "content_filter")
    CANCELLED = (Cause.CLIENT, 499, "invalid_request_error", "cancelled")
    NO_ENDPOINT = (Cause.US, 503, "server_error", "no_endpoint")
    SHED = (Cause.US, 429, "rate_limit_error", "capacity_exceeded")
    DEADLINE = (Cause.US, 504, "server_error", "deadline_exceeded")

    def __init__(self, caused_by: Cause, status: int, type: str, code: str) -> None:
        self.caused_by = caused_by
        self.status = status
        self.type = type
        self.code = code


#: The upstream was reached and said nothing in time: asking it again would be waiting again.
SILENCE = frozenset({Failure.TIMEOUT_RESPONSE, Failure.TIMEOUT_TTFT, Failure.STREAM_IDLE})

#: No request byte was answered: the endpoint is not there.
ABSENCE = frozenset({Failure.UNREACHABLE, Failure.TIMEOUT_CONNECT})

#: What a breaker counts: the endpoint's own faults, never rate limits, refusals of the client's request, or aborts.
ENDPOINT_FAULTS = SILENCE | ABSENCE | {Failure.SERVER_ERROR, Failure.BROKEN_STREAM, Failure.MALFORMED}


class Progress(Enum):
    """How far an attempt had come when it failed. Committed: the client holds content, so nothing may start over."""

    UNCOMMITTED = "uncommitted"
    COMMITTED = "committed"


class Fault(msgspec.Struct, frozen=True):
    """A failure that happened: its kind, what to tell people, and what the upstream said.

    ``retry_after`` is in seconds, None where the upstream named no delay. ``status``, ``body`` and ``content_type``
    are the upstream's own reply, for faults of the client that are passed through as they are.
    """

    failure: Failure
    message: str
    retry_after: float | None = None
    credential: bool = False  # the whole credential is spent (quota, billing), not one model's rate
    status: int = 0
    body: bytes = b""
    content_type: bytes = b"application/json"
    param: str | None = None  # the field of the request that is at fault
