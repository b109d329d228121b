"""Replies of the gateway's own, beside an upstream's: errors, an estimate, what a stage answers, the end of a stream.

Rule: each ends its request, and so its outcome is recorded.
"""

from backends.serving.client_apis import client_api
from gateway.catalog import error_response
from gateway.catalog.error_response import ErrorResponse
from gateway.proxy import headers, no_endpoint
from gateway.proxy.in_flight import InFlight
from policies.attempts.machine import GiveUp
from policies.vocabulary.failure import Failure, Fault
from policies.vocabulary.types import Usage

CANCELLED = Fault(Failure.CANCELLED, "the client left")
DEFECT = Fault(Failure.CANCELLED, "internal error of the gateway")
DEFECTIVE = ErrorResponse(500, DEFECT.message, "server_error", "internal_error")
STOPPING = Fault(Failure.NO_ENDPOINT, "the gateway is shutting down; retry")
STOPPED = ErrorResponse(503, STOPPING.message, "server_error", "stopping", retry_after=1.0)


def refuse(journey: InFlight, refused: ErrorResponse, fault: Fault | None = None) -> None:
    """An error of ours, in the words of the client's API."""
    journey.outcome.status = refused.status
    lines = _lines(journey, b"application/json") + refused.lines()
    journey.answer.whole(refused.status, lines, client_api(journey.family).error(refused))
    journey.conclude(fault)


def give_up(journey: InFlight, action: GiveUp) -> None:
    """No endpoint is left to try: the upstream's own reply where it speaks of the request, else an error of ours; or an
    estimate, where that was asked for."""
    fault, count = no_endpoint.told(action.fault, journey.family, journey.incoming.request, journey.catalog.models)
    if count is None and not error_response.passes_on(fault):
        refuse(journey, error_response.of_fault(fault, journey.outcome.tried, action.retry_after), fault)
        return
    journey.outcome.status, body, lines = no_endpoint.answered(fault, count)
    journey.answer.whole(journey.outcome.status, _lines(journey, fault.content_type) + lines, body)
    journey.conclude(fault if count is None else None)


def answer_with(journey: InFlight, body: bytes, content_type: bytes, usage: Usage) -> None:
    """A whole answer that came of no upstream."""
    outcome = journey.outcome
    outcome.status, outcome.usage = 200, usage
    journey.answer.whole(200, _lines(journey, content_type), body)
    journey.conclude(None)


def break_off(journey: InFlight, fault: Fault) -> None:
    """A committed answer cannot be finished: say so as its events do, and never end it as if it were whole."""
    if journey.outcome.stream and journey.family.events:
        journey.answer.write(client_api(journey.family).stream_error(error_response.in_stream(fault)))
        journey.answer.end()
    else:
        journey.answer.abort()
    journey.conclude(fault)


def _lines(journey: InFlight, content_type: bytes) -> bytes:
    return headers.answered(journey.outcome, content_type, journey.given, journey.catalog.config.server.cors)
