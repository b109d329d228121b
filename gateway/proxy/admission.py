"""Admission: whether a request may come in, decided when its headers are read, and again while its body grows."""

# compiled

from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.keys import Caller
from gateway.proxy import headers
from gateway.proxy.context import Gateway
from gateway.proxy.journey import Journey
from gateway.proxy.request_head import RequestHead
from gateway.proxy.response_writer import ResponseWriter
from policies.attempts.outcome import Outcome


def begin(gateway: Gateway, head: RequestHead, caller: Caller, answer: ResponseWriter, now: float) -> Journey:
    """The journey of a request; ``refused`` where it may not come in. ``now``: when its headers came."""
    outcome = Outcome(head.id or gateway.new_id(), head.family.name, now)
    journey = Journey(gateway, head, answer, outcome)
    key = head.identify(journey.catalog.keys, caller)
    if isinstance(key, ErrorResponse):
        journey.refused = key
        return journey
    journey.key, outcome.key = key, key.name
    server, journeys = journey.catalog.config.server, gateway.journeys
    journey.max_body = server.max_body
    if 0 <= head.length <= server.max_body and len(journeys) < server.max_concurrency:
        journeys.add(journey)  # what is refused must not count, or strangers could fill the place up
    else:
        journey.refused = headers.over_limit(len(journeys), server)
    return journey


def over_limit(journey: Journey, size: int) -> bool:
    """Its body has grown to ``size`` bytes; True: it is refused."""
    if size > journey.max_body:
        journey.refused = headers.body_too_large(journey.max_body)
    return size > journey.max_body
