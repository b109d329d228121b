"""Export: what a real collector is sent over a real socket, and what becomes of requests when it is gone."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.recording.instruments import INSTRUMENTS
from gateway.recording.tracing import QUEUE
from gateway.reporting.telemetry.readings import readings
from policies.attempts.attempt_record import Trace
from tests.contracts.client import Reply, ask, chat
from tests.contracts.scripted import ANSWER, Call, Script, Upstream, error, silent, stream, upstream, whole
from tests.contracts.serving import Running, configured, running, until
from tests.gateway.reporting.telemetry.collector import ACCEPTS, Collector, collector, plain
from tests.outcome import filled

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
UNSAMPLED = PARENT.removesuffix("01") + "00"
SERVER, CLIENT = 2, 3
EVENT = b'data: {"choices": [{"index": 0, "delta": {"content": "yes"}}]}\n\n'
USAGE = b'data: {"choices": [], "usage": {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}}\n\n'
FINISH = b'data: {"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}\n\n'
STREAMED = stream(EVENT, FINISH, USAGE, b"data: [DONE]\n\n")


def config(first: Upstream, second: Upstream, url: str, traces: str = "100%", slow: str = "10s") -> str:
    return f"""
defaults: {{timeouts: {{ttft: 300ms}}, retry: {{attempts: 0}}}}
deployments:
  a: {{provider: openai_compatible, model: up-a, base_url: "{first.url}", price: {{input: 1, output: 2}}}}
  b: {{provider: openai_compatible, model: up-b, base_url: "{second.url}"}}
models:
  m: {{deployments: [a, b]}}
telemetry: {{otlp: "{url}", traces: {traces}, slow: {slow}}}
"""


class World:
    def __init__(self, gateway: Running, told: Collector, first: Upstream, second: Upstream) -> None:
        self.gateway, self.told, self.first, self.second = gateway, told, first, second

    async def ask(self, *lines: str, model: str = "m", **fields: object) -> Reply:
        return await ask(self.gateway.port, chat(model, *lines, **fields))

    async def flush(self) -> None:
        exporter = self.gateway.gateway.exporter
        assert exporter is not None
        await asyncio.to_thread(exporter.flush)
        assert not any(exporter.failures.values()), self.gateway.log.getvalue()


@asynccontextmanager
async def world(*scripts: Script, **telemetry: str) -> AsyncIterator[World]:
    async with (
        collector() as told,
        upstream(*(scripts or (whole(ANSWER),))) as first,
        upstream(whole(ANSWER)) as second,
        running(config(first, second, told.url, **telemetry)) as gateway,
    ):
        yield World(gateway, told, first, second)


async def test_a_request_is_a_span_of_the_server_and_its_attempt_one_of_a_client() -> None:
    async with world(STREAMED) as at:
        reply = await at.ask("x-request-id: one", stream=True)
        await at.flush()
        root, (attempt,) = at.told.trace("one")
    assert reply.status == 200
    assert (root.name, root.kind, root.parent, root.failed, root.events) == (
        "chat m", SERVER, "", False, ["gen_ai.first_token"],
    )  # fmt: skip
    assert (attempt.name, attempt.kind, attempt.trace, attempt.failed) == ("chat up-a", CLIENT, root.trace, False)
    assert root.start == attempt.start < attempt.end == root.end
    wanted = {
        "gen_ai.operation.name": "chat", "gen_ai.request.model": "m", "gen_ai.request.stream": True,
        "gen_ai.provider.name": "openai_compatible", "http.request.method": "POST", "http.response.status_code": 200,
        "http.route": "/v1/chat/completions", "cloverleaf.deployment": "a", "cloverleaf.policy": "order",
        "cloverleaf.attempts": 1, "gen_ai.usage.input_tokens": 7, "gen_ai.usage.output_tokens": 3,
        "cloverleaf.usage.source": "upstream",
    }  # fmt: skip
    assert {name: root.attributes.get(name) for name in wanted} == wanted
    assert 0 < root.attributes["cloverleaf.overhead"] < 1
    wanted = {
        "gen_ai.request.model": "up-a", "cloverleaf.reason": "first", "server.address": "127.0.0.1",
        "server.port": at.first.port, "gen_ai.usage.output_tokens": 3, "cloverleaf.attempt": 1,
    }  # fmt: skip
    assert {name: attempt.attributes.get(name) for name in wanted} == wanted
    assert attempt.attributes["gen_ai.response.time_to_first_chunk"] > 0


async def test_a_callers_trace_goes_on_through_the_gateway_to_the_upstream() -> None:
    async with world() as at:
        await at.ask("x-request-id: one", f"traceparent: {PARENT}", "tracestate: vendor=1")
        await at.flush()
        root, (attempt,) = at.told.trace("one")
    (call,) = at.first.calls
    assert (root.trace, root.parent) == (PARENT.split("-")[1], PARENT.split("-")[2])
    assert call.headers["traceparent"] == f"00-{root.trace}-{attempt.id}-01"
    assert call.headers["tracestate"] == "vendor=1"
    assert [name for name, _ in call.lines].count("traceparent") == 1


async def test_each_attempt_is_told_its_own_span() -> None:
    async with world(error(500)) as at:
        reply = await at.ask("x-request-id: one", "tracestate: vendor=1")
        await at.flush()
        root, attempts = at.told.trace("one")
    calls = [*at.first.calls, *at.second.calls]
    assert reply.status == 200
    assert [call.headers["traceparent"] for call in calls] == [f"00-{root.trace}-{a.id}-01" for a in attempts]
    assert not any("tracestate" in call.headers for call in calls)  # without a parent it means nothing
    assert [(a.attributes["cloverleaf.reason"], a.attributes.get("error.type"), a.failed) for a in attempts] == [
        ("first", "upstream_error", True),
        ("fallback", None, False),
    ]
    assert attempts[0].end <= attempts[1].start
    assert (root.failed, root.attributes["cloverleaf.deployment"]) == (False, "b")


@pytest.mark.parametrize("header", [UNSAMPLED, "nonsense"])
async def test_what_is_not_sampled_passes_its_context_on_as_it_came(header: str) -> None:
    async with world() as at:
        await at.ask(f"traceparent: {header}", "tracestate: vendor=1")
        await at.flush()
        assert at.told.spans() == []
    (call,) = at.first.calls
    assert (call.headers["traceparent"], call.headers["tracestate"]) == (header, "vendor=1")


async def test_without_a_caller_the_share_decides() -> None:
    async with world(traces="0%") as at:
        assert (await at.ask()).status == 200
        await at.flush()
        assert at.told.spans() == []
        assert "traceparent" not in at.first.calls[0].headers


async def test_errors_and_fallbacks_are_kept_whatever_the_share() -> None:
    async with world(error(500), whole(ANSWER), error(500), traces="0%") as at:
        await at.ask("x-request-id: fell-back", f"traceparent: {UNSAMPLED}")
        await at.ask("x-request-id: fine")
        at.second._scripts = (error(500),)
        await at.ask("x-request-id: failed")
        await at.ask("x-request-id: client", model="unknown")
        await at.flush()
        ids = {span.attributes.get("cloverleaf.request.id") for span in at.told.spans()}
        assert ids - {None} == {"fell-back", "failed"}
        root, attempts = at.told.trace("fell-back")
        assert (root.trace, root.parent) == (UNSAMPLED.split("-")[1], UNSAMPLED.split("-")[2])
        assert len(attempts) == 2
        root, attempts = at.told.trace("failed")
    assert root.failed and root.attributes["error.type"] == "upstream_error"
    assert root.attributes["http.response.status_code"] == 502
    assert [a.failed for a in attempts] == [True, True]


async def test_slow_ones_are_kept_whatever_the_share() -> None:
    async with world(traces="0%", slow="1ms") as at:
        outcome = filled(b"slow", "chat", 10.0, model="m", status=200, first_token=10.002, finished=11.0)
        tracer = at.gateway.gateway.tracer
        assert tracer is not None
        tracer.record(outcome)
        tracer.record(filled(b"quick", "chat", 10.0, model="m", status=200, first_token=10.0009, finished=11.0))
        await at.flush()
        assert [span.attributes["cloverleaf.request.id"] for span in at.told.spans()] == ["slow"]


async def test_metrics_arrive_under_their_names_with_the_buckets_of_the_conventions() -> None:
    async with world() as at:
        assert (await at.ask()).status == 200
        assert (await at.ask(model="unknown")).status == 404
        await at.flush()
        metrics = at.told.metrics()
        told = {each[0].name for each in readings(at.gateway.gateway, 0.0)}
    assert set(metrics) == told <= {each.name for each in INSTRUMENTS}
    duration = metrics["gen_ai.client.operation.duration"]
    points = {plain(point.attributes)["gen_ai.request.model"]: point for point in duration.histogram.data_points}
    assert (duration.unit, set(points)) == ("s", {"m", "other"})
    assert list(points["m"].explicit_bounds)[:3] == [0.01, 0.02, 0.04]
    assert (points["m"].count, sum(points["m"].bucket_counts)) == (1, 1)
    assert plain(points["m"].attributes) == {
        "gen_ai.operation.name": "chat", "family": "chat", "gen_ai.request.model": "m", "deployment": "a",
        "gen_ai.provider.name": "openai_compatible",
    }  # fmt: skip
    cost = metrics["cloverleaf.cost_usd"].sum
    assert cost.is_monotonic and [p.as_double for p in cost.data_points] == [pytest.approx(0.002)]


@asynccontextmanager
async def telling(script: Script) -> AsyncIterator[Running]:
    """A gateway that tells a collector which answers by a script."""
    async with (
        collector(script) as told,
        upstream(whole(ANSWER)) as up,
        running(config(up, up, told.url)) as gateway,
    ):
        yield gateway


async def test_a_collector_that_is_gone_or_says_nothing_costs_no_request_and_its_losses_are_counted() -> None:
    async with telling(silent) as gateway:
        tracer = gateway.gateway.tracer
        assert tracer is not None
        for number in range(QUEUE + 10):
            tracer.record(filled(b"%d" % number, "chat", 10.0, model="m", finished=11.0, trace=Trace(1, number + 1)))
        assert (await ask(gateway.port, chat("m"))).status == 200
        await until(lambda: tracer.dropped >= 10)
        assert len(tracer.queue) <= QUEUE


async def test_a_collector_that_is_not_there_is_said_once_and_what_it_did_not_take_is_counted() -> None:
    async with upstream(whole(ANSWER)) as up, running(config(up, up, "http://127.0.0.1:9")) as gateway:
        exporter, tracer = gateway.gateway.exporter, gateway.gateway.tracer
        assert exporter is not None and tracer is not None
        for _ in range(2):
            assert (await ask(gateway.port, chat("m"))).status == 200
        await asyncio.to_thread(exporter.flush)
        assert (tracer.dropped, exporter.exported, exporter.failures["metrics"]) == (2, 0, 1)
        told = {each[0].name: each[2] for each in readings(gateway.gateway, 0.0)}
        assert told["cloverleaf.traces_dropped"] == 2
        gateway.app.log.flush()
        assert gateway.log.getvalue().count('"event":"otlp"') == 2, "one for traces, one for metrics"


async def test_a_collector_of_metrics_alone_is_said_once_however_often_both_are_sent() -> None:
    async def metrics_alone(call: Call) -> None:
        await (ACCEPTS if call.target == "/v1/metrics" else error(404))(call)

    async with telling(metrics_alone) as gateway:
        exporter = gateway.gateway.exporter
        assert exporter is not None
        for _ in range(3):
            assert (await ask(gateway.port, chat("m"))).status == 200
            await asyncio.to_thread(exporter.flush)
        assert exporter.failures["traces"] > exporter.failures["metrics"] == 0
        gateway.app.log.flush()
        (line,) = [each for each in gateway.log.getvalue().splitlines() if '"event":"otlp"' in each]
        assert "does not accept traces" in line


async def test_a_reload_may_take_the_collector_away_or_name_another() -> None:
    async with world() as at, collector() as other:
        app = at.gateway.app
        await app.swap(configured(config(at.first, at.second, other.url)))
        assert (await at.ask("x-request-id: moved")).status == 200
        await at.flush()
        assert other.trace("moved")[0].name == "chat m"
        await app.swap(configured(config(at.first, at.second, other.url).replace(f'otlp: "{other.url}"', "otlp: null")))
        assert app.gateway.exporter is app.gateway.tracer is None
        assert (await at.ask()).status == 200
