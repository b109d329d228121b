"""Spans of requests of more than one attempt: each has its own, in order, under the request's, as it was told."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from gateway.recording.tracing import attempt_id, followed
from policies.attempts.attempt_record import Trace
from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, Script, silent, stream, upstream, whole
from tests.contracts.serving import running, until
from tests.contracts.test_rivals import teach
from tests.dashboards.load import DIES, SPEAKS
from tests.gateway.reporting.telemetry.collector import Told, collector


@asynccontextmanager
async def traced(
    first: Script, second: Script, defaults: str, streamed: bool
) -> AsyncIterator[tuple[Told, list[Told]]]:
    """One request that its first place serves badly, and its trace."""
    async with collector() as told, upstream(first) as one, upstream(second) as other:
        text = f"""
defaults: {{{defaults}}}
deployments:
  one: {{provider: openai_compatible, model: m, base_url: "{one.url}"}}
  other: {{provider: openai_compatible, model: m, base_url: "{other.url}"}}
models: {{m: {{deployments: [one, other]}}}}
telemetry: {{otlp: "{told.url}", traces: 100%}}
"""
        async with running(text) as gateway:
            teach(gateway)
            reply = await ask(gateway.port, chat("m", "x-request-id: one", stream=streamed))
            assert reply.status == 200
            await until(lambda: not gateway.gateway.journeys)
            exporter = gateway.gateway.exporter
            assert exporter is not None
            await asyncio.to_thread(exporter.flush)
            root, spans = told.trace("one")
            calls = [*one.calls, *other.calls]
            assert [call.headers["traceparent"].split("-")[2] for call in calls] == [span.id for span in spans]
            yield root, spans


def told(spans: list[Told]) -> list[tuple[str, str, str]]:
    """Where, why, and how it ended."""
    keys = ("cloverleaf.deployment", "cloverleaf.reason", "error.type")
    return [tuple(span.attributes.get(key, "") for key in keys) for span in spans]  # type: ignore[misc]


async def test_a_hedge_that_won_and_the_attempt_that_lost() -> None:
    async with traced(silent, whole(ANSWER), "hedge: {enabled: true, budget: 100%}", False) as (root, spans):
        assert told(spans) == [("one", "first", "cancelled"), ("other", "hedge", "")]
        assert root.attributes["cloverleaf.hedged"] == "won"
        assert spans[0].start < spans[1].start < spans[0].end  # side by side


async def test_a_stream_that_broke_and_went_on_elsewhere() -> None:
    async with traced(DIES, SPEAKS, "realign: always", True) as (root, spans):
        assert told(spans) == [("one", "first", "broken_stream"), ("other", "recovery", "")]
        assert (root.failed, root.attributes["cloverleaf.recovered"]) == (False, "realign")
        assert spans[0].attributes["gen_ai.response.time_to_first_chunk"] > 0
        assert "gen_ai.response.time_to_first_chunk" not in spans[1].attributes  # the client had had it from the first


async def test_a_second_silent_one_is_a_fallback() -> None:
    cut = stream(end=False)
    async with traced(cut, SPEAKS, "retry: {attempts: 0}", True) as (root, spans):
        assert told(spans)[1] == ("other", "fallback", "")
        assert spans[0].failed and not root.failed


def test_ids_of_attempts_are_all_different_and_never_nought() -> None:
    trace = Trace(1, 2**64 - 1)
    ids = {attempt_id(trace, number) for number in range(1, 1000)}
    assert len(ids) == 999 and 0 not in ids and trace.span_id not in ids


ID, SPAN = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.mark.parametrize(
    "header",
    [
        f"ff-{ID}-{SPAN}-01",  # a version that is none
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{ID}-{'0' * 16}-01",
        f"00-{ID.upper()}-{SPAN}-01",
        f"00-{ID}-{SPAN}",
        f"00-{ID[1:]}-{SPAN}-01",
        "",
    ],
)
def test_what_is_no_traceparent_is_not_followed(header: str) -> None:
    assert followed(header.encode()) is None


@pytest.mark.parametrize(("header", "sampled"), [(f"00-{ID}-{SPAN}-01", True), (f"cc-{ID}-{SPAN}-02-more", False)])
def test_a_traceparent_of_this_or_a_later_version_is_followed(header: str, sampled: bool) -> None:
    trace = followed(header.encode())
    assert trace is not None
    assert (f"{trace.trace_id:032x}", f"{trace.parent:016x}", trace.sampled) == (ID, SPAN, sampled)
