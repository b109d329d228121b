"""The OTLP exporter: a thread sends metrics and traces to a collector. A slow or missing one costs telemetry, never a
request.

Imported only where ``telemetry.otlp`` is set: the SDK is not light.
"""

import asyncio
import logging
import threading
from collections.abc import Callable
from concurrent.futures import Future
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.metrics.export import MetricExportResult
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExportResult

from gateway import clock
from gateway.proxy.context import Gateway
from gateway.recording.tracing import Tracer
from gateway.reporting.telemetry.otlp import metrics_data
from gateway.reporting.telemetry.readings import Reading, readings
from gateway.reporting.telemetry.spans import Spans
from policies.attempts.outcome import Outcome

TICK = 1.0  # seconds between exports of traces
METRICS = 15  # ticks between exports of metrics
BATCH = 256  # traces in one export
TIMEOUT = 5.0  # seconds an export may take, its retries included
LAST = 2.0  # seconds for the last one, when the process ends


class Exporter:
    """Made on the gateway's loop. ``url``: the collector's root; ``report``: told when it goes, and when it is back."""

    def __init__(self, url: str, gateway: Gateway, tracer: Tracer, report: Callable[[str], None]) -> None:
        self._gateway, self._tracer, self._report = gateway, tracer, report
        self._loop = asyncio.get_running_loop()
        root = url.rstrip("/")
        self._spans_out = OTLPSpanExporter(f"{root}/v1/traces", timeout=TIMEOUT)
        self._metrics_out = OTLPMetricExporter(f"{root}/v1/metrics", timeout=TIMEOUT)
        names = {"service.name": "cloverleaf", "service.version": gateway.version, "service.instance.id": str(uuid4())}
        self._resource = Resource.create(names)
        self._spans = Spans(self._resource, gateway.version, clock.wall() - clock.now())
        self._since = int(clock.wall() * 1e9)
        self._working = {"metrics": True, "traces": True}
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.exported = 0  # traces
        self.failures = {"metrics": 0, "traces": 0}  # exports
        logging.getLogger("opentelemetry").setLevel(logging.CRITICAL)  # we say it ourselves, once
        self._thread = threading.Thread(target=self._run, name="telemetry", daemon=True)
        self._thread.start()

    def flush(self) -> None:
        """Export what there is, from a thread that is not the loop's."""
        with self._lock:
            self._traces()
            self._metrics()

    def close(self) -> None:
        """Export the last of it, unless the collector is gone or slow."""
        self._stop.set()
        self._thread.join(timeout=LAST if any(self._working.values()) else 0.0)
        self._spans_out.shutdown()  # type: ignore[no-untyped-call]
        self._metrics_out.shutdown()

    def _run(self) -> None:
        ticks = 0
        while not self._stop.wait(TICK):
            ticks += 1
            with self._lock:
                self._traces()
                if ticks % METRICS == 0:
                    self._metrics()
        if any(self._working.values()):
            self.flush()

    def _traces(self) -> None:
        queue = self._tracer.queue
        while queue:
            taken = [queue.popleft() for _ in range(min(BATCH, len(queue)))]
            done = self._spans_out.export(self._built(taken)) is SpanExportResult.SUCCESS
            self._note("traces", done)
            if not done:
                self._tracer.dropped += len(taken)
                return
            self.exported += len(taken)

    def _built(self, outcomes: list[Outcome]) -> list[ReadableSpan]:
        places = self._gateway.catalog.config.deployments
        return [span for each in outcomes for span in self._spans.of(each, places, clock.seed())]

    def _metrics(self) -> None:
        asked: Future[list[Reading]] = Future()
        try:
            self._loop.call_soon_threadsafe(lambda: asked.set_result(readings(self._gateway, clock.now())))
            found = asked.result(timeout=TIMEOUT)
        except (RuntimeError, TimeoutError):  # the loop is closed, or too busy to tell
            return
        data = metrics_data(found, self._resource, self._gateway.version, self._since, int(clock.wall() * 1e9))
        self._note("metrics", self._metrics_out.export(data) is MetricExportResult.SUCCESS)

    def _note(self, signal: str, done: bool) -> None:
        self.failures[signal] += not done
        if done is not self._working[signal]:
            self._working[signal] = done
            self._report(f"the collector takes {signal} again" if done else f"the collector takes no {signal}")
