"""A collector. Rule: OTLP over HTTP on a real socket, decoded by OpenTelemetry's own protobuf."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.contracts.scripted import Script, Upstream, upstream, whole


class Told(msgspec.Struct):
    """A span in plain terms. Ids are hex; ``parent`` is empty at the root."""

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    failed: bool
    start: int
    end: int
    attributes: dict[str, Any]
    events: list[str]


class Collector:
    """``url`` is what ``telemetry.otlp`` names."""

    def __init__(self, up: Upstream) -> None:
        self._up = up
        self.url = up.url.removesuffix("/v1")

    def bodies(self, path: str) -> list[bytes]:
        return [call.body for call in self._up.calls if call.target == path]

    def everything(self) -> str:
        """All that it was sent, as text."""
        return "".join(f"{call.head!r} {call.body!r}" for call in self._up.calls)

    def spans(self) -> list[Told]:
        requests = [ExportTraceServiceRequest.FromString(body) for body in self.bodies("/v1/traces")]
        scopes = [scope for request in requests for each in request.resource_spans for scope in each.scope_spans]
        return [_told(span) for scope in scopes for span in scope.spans]

    def trace(self, id: str) -> tuple[Told, list[Told]]:
        """The span of the request with that x-request-id, and its attempts in order."""
        spans = self.spans()
        (root,) = [span for span in spans if span.attributes.get("cloverleaf.request.id") == id]
        return root, sorted((s for s in spans if s.parent == root.id), key=lambda s: s.attributes["cloverleaf.attempt"])

    def metrics(self) -> dict[str, Any]:
        """The newest of each metric, by name."""
        requests = [ExportMetricsServiceRequest.FromString(body) for body in self.bodies("/v1/metrics")]
        scopes = [scope for request in requests for each in request.resource_metrics for scope in each.scope_metrics]
        return {metric.name: metric for scope in scopes for metric in scope.metrics}


def plain(attributes: Any) -> dict[str, Any]:
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in attributes}


def _told(span: Span) -> Told:
    return Told(
        span.name,
        span.trace_id.hex(),
        span.span_id.hex(),
        span.parent_span_id.hex(),
        span.kind,
        span.status.code == 2,
        span.start_time_unix_nano,
        span.end_time_unix_nano,
        plain(span.attributes),
        [event.name for event in span.events],
    )


ACCEPTS = whole(b"", content_type="application/x-protobuf")


@asynccontextmanager
async def collector(*scripts: Script) -> AsyncIterator[Collector]:
    async with upstream(*(scripts or (ACCEPTS,))) as up:
        yield Collector(up)
