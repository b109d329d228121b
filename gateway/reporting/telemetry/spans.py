"""Spans, built from a finished outcome: one for the request, one for each attempt.

No text of a prompt, an answer or an upstream's error is in them.
"""

from collections.abc import Iterator, Mapping
from itertools import chain
from urllib.parse import urlsplit

from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import Event, ReadableSpan
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags, TraceState

from backends.contract.families import FAMILIES
from gateway.config.deployment import Deployment
from gateway.recording.tracing import attempt_id, followed, new
from gateway.reporting.telemetry import attributes as a
from gateway.reporting.telemetry.semconv import operation
from policies.attempts.attempt_record import AttemptRecord, Trace
from policies.attempts.outcome import Outcome

Attributes = dict[str, str | int | float | bool]
_PATHS = {family.name: family.paths[0] for family in FAMILIES}
_SAMPLED = TraceFlags(TraceFlags.SAMPLED)


class Spans:
    """Builds them. ``offset``: seconds between the epoch and the monotonic clock."""

    def __init__(self, resource: Resource, version: str, offset: float) -> None:
        self._resource = resource
        self._scope = InstrumentationScope("cloverleaf", version)
        self._offset = offset

    def of(self, outcome: Outcome, places: Mapping[str, Deployment], seed: int) -> Iterator[ReadableSpan]:
        """The trace of one request. ``seed``: for one that was not sampled when it came."""
        trace = outcome.trace or followed(outcome.context) or new(seed)
        yield self._request(outcome, trace, places)
        for number, tried in enumerate(outcome.all_attempts(), 1):
            yield self._attempt(outcome, trace, number, tried, places.get(tried.deployment))

    def _request(self, outcome: Outcome, trace: Trace, places: Mapping[str, Deployment]) -> ReadableSpan:
        first = outcome.first_token
        events = [Event(a.FIRST_CONTENT, timestamp=self._at(first))] if first else []
        place = places.get(outcome.deployment)
        values = chain(a.of_request(outcome, _PATHS[outcome.family]), a.of_usage(outcome.usage), a.of_place(place))
        failed = outcome.status >= 500 or outcome.fault is not None
        return self._span(
            f"{operation(outcome.family)} {outcome.model}".strip(),
            (trace.trace_id, trace.span_id, trace.parent),
            SpanKind.SERVER,
            dict(values),
            (outcome.received, outcome.finished),
            failed,
            events,
            remote=True,
        )

    def _attempt(
        self, outcome: Outcome, trace: Trace, number: int, tried: AttemptRecord, place: Deployment | None
    ) -> ReadableSpan:
        counted = tried.end == ""
        values = chain(a.of_attempt(outcome, tried, number, place), a.of_place(place), _server(tried.endpoint))
        if counted:
            values = chain(values, a.of_usage(outcome.usage))
        name = f"{operation(outcome.family)} {place.model if place is not None else outcome.model}"
        ids = (trace.trace_id, attempt_id(trace, number), trace.span_id)
        times = (tried.began, tried.ended)
        return self._span(name, ids, SpanKind.CLIENT, dict(values), times, not counted, [], remote=False)

    def _span(
        self,
        name: str,
        ids: tuple[int, int, int],
        kind: SpanKind,
        values: Attributes,
        times: tuple[float, float],
        failed: bool,
        events: list[Event],
        remote: bool,
    ) -> ReadableSpan:
        trace, own, parent = ids
        return ReadableSpan(
            name,
            SpanContext(trace, own, False, _SAMPLED, TraceState()),
            SpanContext(trace, parent, remote, _SAMPLED, TraceState()) if parent else None,
            self._resource,
            values,
            events,
            kind=kind,
            status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
            start_time=self._at(times[0]),
            end_time=self._at(times[1]),
            instrumentation_scope=self._scope,
        )

    def _at(self, moment: float) -> int:
        """Nanoseconds since the epoch."""
        return int((moment + self._offset) * 1e9)


def _server(endpoint: str) -> Iterator[tuple[str, str | int]]:
    found = urlsplit(endpoint)
    if found.hostname:
        yield a.SERVER_ADDRESS, found.hostname
        yield a.SERVER_PORT, found.port or (443 if found.scheme == "https" else 80)
