"""Span attributes of requests and attempts: every name and its meaning."""

from collections.abc import Iterator

import msgspec

from gateway.config.deployment import Deployment
from gateway.reporting.telemetry.semconv import operation
from policies.attempts.attempt_record import AttemptRecord
from policies.attempts.outcome import Outcome
from policies.vocabulary.types import Usage

Pairs = Iterator[tuple[str, str | int | float | bool]]


class Attribute(msgspec.Struct, frozen=True):
    """One attribute. ``spans``: request, attempt, or both."""

    name: str
    spans: str
    text: str


FIRST_CONTENT = "gen_ai.first_token"  # the event of a request's span
OPERATION = "gen_ai.operation.name"
PROVIDER = "gen_ai.provider.name"
MODEL = "gen_ai.request.model"
STREAM = "gen_ai.request.stream"
INPUT = "gen_ai.usage.input_tokens"
OUTPUT = "gen_ai.usage.output_tokens"
CACHED = "gen_ai.usage.cache_read.input_tokens"
CACHE_WRITE = "gen_ai.usage.cache_creation.input_tokens"
REASONING = "gen_ai.usage.reasoning.output_tokens"
FIRST_CHUNK = "gen_ai.response.time_to_first_chunk"
ERROR = "error.type"
METHOD = "http.request.method"
STATUS = "http.response.status_code"
ROUTE = "http.route"
SERVER_ADDRESS = "server.address"
SERVER_PORT = "server.port"
ID = "cloverleaf.request.id"
KEY = "cloverleaf.key"
RULE = "cloverleaf.route"
DEPLOYMENT = "cloverleaf.deployment"
POLICY = "cloverleaf.policy"
SIGNAL = "cloverleaf.signal"
REASON = "cloverleaf.reason"
ATTEMPTS = "cloverleaf.attempts"
NUMBER = "cloverleaf.attempt"
OVERHEAD = "cloverleaf.overhead"
QUEUED = "cloverleaf.queued"
USAGE_SOURCE = "cloverleaf.usage.source"
RECOVERED = "cloverleaf.recovered"
HEDGED = "cloverleaf.hedged"
MIRROR = "cloverleaf.mirror"

ATTRIBUTES = (
    Attribute(OPERATION, "both", "chat, text_completion, embeddings, or the endpoint family's own name"),
    Attribute(PROVIDER, "both", "Who answered: openai, aws.bedrock, vllm, ..."),
    Attribute(
        MODEL, "both", "Of a request the model that was asked for, of an attempt the name that the upstream knows"
    ),
    Attribute(STREAM, "request", "Whether a streamed answer was asked for"),
    Attribute(INPUT, "both", "Prompt tokens, cached ones among them; of an attempt, where it brought the answer"),
    Attribute(OUTPUT, "both", "Tokens of the answer"),
    Attribute(CACHED, "both", "Prompt tokens that the provider's cache held"),
    Attribute(CACHE_WRITE, "both", "Prompt tokens put into the provider's cache"),
    Attribute(REASONING, "both", "Tokens of the answer that were reasoning"),
    Attribute(FIRST_CHUNK, "attempt", "Seconds from the attempt's start to its first content"),
    Attribute(ERROR, "both", "The code of the failure, as in the error that a client sees"),
    Attribute(METHOD, "request", "POST"),
    Attribute(STATUS, "request", "What the client was answered; 499: it left"),
    Attribute(ROUTE, "request", "The path of the endpoint family"),
    Attribute(SERVER_ADDRESS, "attempt", "Host of the endpoint"),
    Attribute(SERVER_PORT, "attempt", "Port of the endpoint"),
    Attribute(ID, "request", "x-request-id"),
    Attribute(KEY, "request", "Name of the client's key"),
    Attribute(RULE, "request", "The configured route that took it"),
    Attribute(DEPLOYMENT, "both", "Which deployment"),
    Attribute(POLICY, "request", "The policy that chose"),
    Attribute(SIGNAL, "attempt", "What its choice was read from, see policies.md"),
    Attribute(REASON, "attempt", "first, retry, fallback, hedge or recovery"),
    Attribute(ATTEMPTS, "request", "How many there were"),
    Attribute(NUMBER, "attempt", "Which one it was: 1 is the first"),
    Attribute(OVERHEAD, "request", "Seconds of the gateway's own before the first content"),
    Attribute(QUEUED, "request", "Seconds in line for a place"),
    Attribute(USAGE_SOURCE, "both", "Who counted the tokens: upstream or estimated"),
    Attribute(RECOVERED, "request", "The mode by which a broken stream went on"),
    Attribute(HEDGED, "request", "Whether a second attempt won or lost"),
    Attribute(MIRROR, "request", "It was a copy that nobody waited for"),
)


def of_request(outcome: Outcome, path: str) -> Pairs:
    yield OPERATION, operation(outcome.family)
    yield METHOD, "POST"
    yield ROUTE, path
    yield STATUS, outcome.status
    yield STREAM, outcome.stream
    yield ID, outcome.id.decode("latin-1")
    yield ATTEMPTS, outcome.attempts
    given: dict[str, str | int | float | bool] = {
        MODEL: outcome.model, KEY: outcome.key, RULE: outcome.route, DEPLOYMENT: outcome.deployment,
        POLICY: outcome.policy, RECOVERED: outcome.recovered, HEDGED: outcome.hedged, QUEUED: outcome.queued,
        MIRROR: outcome.mirror,
    }  # fmt: skip
    yield from (pair for pair in given.items() if pair[1])
    if outcome.fault is not None:
        yield ERROR, outcome.fault.failure.code
    elif outcome.status >= 400:
        yield ERROR, str(outcome.status)
    if outcome.first_token:
        yield OVERHEAD, outcome.first_token - outcome.received - outcome.waited


def of_attempt(outcome: Outcome, tried: AttemptRecord, number: int, place: Deployment | None) -> Pairs:
    yield OPERATION, operation(outcome.family)
    if place is not None:
        yield MODEL, place.model
    yield DEPLOYMENT, tried.deployment
    yield NUMBER, number
    yield REASON, tried.reason
    if tried.signal:
        yield SIGNAL, str(tried.signal)
    if tried.end:
        yield ERROR, tried.end
    if tried.first_token:
        yield FIRST_CHUNK, tried.first_token - tried.began


def of_place(place: Deployment | None) -> Pairs:
    if place is not None:
        yield PROVIDER, place.provider.telemetry_name


def of_usage(usage: Usage) -> Pairs:
    if usage.source == "none":
        return
    yield USAGE_SOURCE, usage.source
    yield INPUT, usage.prompt
    yield OUTPUT, usage.completion
    parts = {CACHED: usage.cached, CACHE_WRITE: usage.cache_write, REASONING: usage.reasoning}
    yield from ((name, value) for name, value in parts.items() if value)
