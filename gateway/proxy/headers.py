"""Headers that pass through the gateway, in either direction, by allow-lists."""

# compiled

import re
from collections.abc import Mapping
from functools import lru_cache

from backends.contract.families import FAMILIES
from backends.contract.headers import CARRIED, Headers, rendered
from gateway import clock
from gateway.catalog.error_response import ErrorResponse
from gateway.config.schema import Server
from policies.attempts.outcome import Outcome

_ID = re.compile(rb"[A-Za-z0-9._:\-]{1,128}")
_UPSTREAM = CARRIED.union(*(family.headers for family in FAMILIES))
_BACK = frozenset(
    {
        b"content-disposition",
        b"content-language",
        b"openai-model",
        b"openai-processing-ms",
        b"openai-version",
        b"request-id",
        b"x-cloverleaf-dropped",  # of our own translators, and of a cloverleaf behind this one
    }
)
#: Of most answers all, and for none of them to pass back.
ORDINARY = frozenset(
    {b"connection", b"content-length", b"content-type", b"date", b"keep-alive", b"server", b"transfer-encoding"}
)
_BACK_PREFIXES = (b"x-ratelimit-", b"anthropic-ratelimit-")


def own_id(given: Mapping[bytes, bytes]) -> bytes:
    """The client's own id of its request, where it is a valid one; else empty."""
    theirs = given.get(b"x-request-id")
    return theirs if theirs is not None and _ID.fullmatch(theirs) else b""


def request_id(given: Mapping[bytes, bytes]) -> bytes:
    """The client's own id where it is a valid one, else a new one."""
    return own_id(given) or clock.request_id()


def answered(outcome: Outcome, content_type: bytes, given: Mapping[bytes, bytes], allowed: list[str]) -> bytes:
    """The lines of every answer, as of now. ``allowed``: origins whose pages may read it."""
    lines = (
        b"content-type: %b\r\nx-request-id: %b\r\nx-cloverleaf-attempts: %d\r\nx-cloverleaf-overhead-ms: %.3f\r\n"
    ) % (
        content_type,
        outcome.id,
        outcome.attempts,
        (clock.now() - outcome.received - outcome.waited) * 1000,
    )
    if outcome.deployment:
        lines += _deployment(outcome.deployment)
    if outcome.queued:
        lines += b"x-cloverleaf-queue-ms: %.3f\r\n" % (outcome.queued * 1000)
    if outcome.decision:
        lines += b"x-cloverleaf-decision: %b\r\n" % outcome.decision
    return lines + cors(given, allowed) if allowed else lines


@lru_cache(maxsize=512)
def _deployment(name: str) -> bytes:
    return f"x-cloverleaf-deployment: {name}\r\n".encode()


def forwarded(given: Mapping[bytes, bytes]) -> Headers:
    """The fields that may go to an upstream, beside the id: never the client's credential, nor hop-by-hop ones."""
    fields = {b"content-type": given.get(b"content-type", b"application/json")}
    return rendered(fields | {name: given[name] for name in sorted(_UPSTREAM.intersection(given))})


def passed_back(upstream: Mapping[bytes, bytes]) -> bytes:
    """The header lines of an upstream's answer that the client gets, beside its content type."""
    passing = [name for name in upstream if name in _BACK or name.startswith(_BACK_PREFIXES)]
    return b"".join(b"%b: %b\r\n" % (name, upstream[name]) for name in passing)


STREAMED = b"cache-control: no-cache\r\nx-accel-buffering: no\r\n"  # an answer that is shown as it comes


def cors(given: Mapping[bytes, bytes], allowed: list[str]) -> bytes:
    """The lines that let a browser's page on an allowed origin read the answer."""
    origin = given.get(b"origin", b"").decode("latin-1")
    if not origin or not ("*" in allowed or origin in allowed):
        return b""
    return f"access-control-allow-origin: {origin}\r\nvary: origin\r\n".encode("latin-1") + _EXPOSED


#: Header lines of our own that an answer may have.
OURS = {
    "x-request-id": "The client's own where it sent a valid one, else a new one; in logs, traces and the ledger too",
    "x-cloverleaf-deployment": "Where it was answered, or tried last",
    "x-cloverleaf-attempts": "How many attempts there were when the answer began",
    "x-cloverleaf-overhead-ms": "The gateway's own time until then: not waiting for upstreams, nor in line",
    "x-cloverleaf-queue-ms": "Time in line for a place, where it stood in one",
    "x-cloverleaf-cost-usd": "What its tokens cost, where the answer is whole and a price is known",
    "x-cloverleaf-dropped": "Fields of the request that its deployment has no place for, where it drops them",
    "x-cloverleaf-decision": "The decision as JSON, for `x-cloverleaf-explain: 1` and a key that may ask",
    "x-cloverleaf-usage": "`estimated`: the tokens that it tells were counted by us, from bytes",
    "retry-after": "Seconds after which asking again makes sense",
    "x-should-retry": "`false`: every place was tried, and asking again would only repeat that",
}
_EXPOSED = f"access-control-expose-headers: {', '.join(OURS)}\r\n".encode()


def declared_length(given: Mapping[bytes, bytes]) -> int:
    """Of the body, 0 where none is declared; -1: it is not a number."""
    length = given.get(b"content-length", b"0").strip()  # a tab may follow it
    return int(length) if length.isdigit() else -1


def over_limit(in_flight: int, server: Server) -> ErrorResponse:
    """The refusal of one request too many, or else of a body whose declared length is too large."""
    if in_flight >= server.max_concurrency:
        return too_many(server.max_concurrency)
    return body_too_large(server.max_body)


def body_too_large(limit: int) -> ErrorResponse:
    return ErrorResponse(
        413, f"the request body is larger than {limit} bytes (server.max_body)", code="request_too_large"
    )


def too_many(limit: int) -> ErrorResponse:
    return ErrorResponse(
        429,
        f"{limit} requests are in flight, which is the most served at once (server.max_concurrency)",
        "rate_limit_error",
        "concurrency_exceeded",
        retry_after=1.0,
    )
