"""Two attempts at once. Rule: the first to speak wins, the other is stopped and accounted for; none without budget."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from policies.attempts.wait_history import kind
from tests.contracts.client import Reply, ask, chat
from tests.contracts.families import DONE, FINISH, ROLE, TEXT
from tests.contracts.scripted import ANSWER, Call, Script, Upstream, reset, silent, stream, upstream, whole
from tests.contracts.serving import Running, running, until

SPEAKS = stream(ROLE, TEXT, FINISH, DONE)
HEDGE = "hedge: {enabled: true, budget: 100%}"


class Cued:
    """Does what its script says when it is cued, by ``cue`` or by another upstream's first call."""

    def __init__(self, script: Script) -> None:
        self.cue = asyncio.Event()
        self._script = script

    async def __call__(self, call: Call) -> None:
        await self.cue.wait()
        await self._script(call)


def cues(other: Cued, script: Script) -> Script:
    async def cueing(call: Call) -> None:
        other.cue.set()
        await script(call)

    return cueing


@asynccontextmanager
async def pair(
    first: Script, second: Script, door: str, defaults: str = HEDGE, *, known: bool = True, more: str = ""
) -> AsyncIterator[tuple[Running, Upstream, Upstream]]:
    """Two places of one model; ``known``: both have answered many requests in ten milliseconds."""
    async with upstream(first) as one, upstream(second) as other:
        text = f"""
defaults: {{{defaults}}}
deployments:
  one: {{provider: openai_compatible, model: m, base_url: "{one.url}"{more}}}
  other: {{provider: openai_compatible, model: m, base_url: "{other.url}"{more}}}
models: {{m: {{deployments: [one, other]}}}}
"""
        async with running(text, door) as gateway:
            if known:
                teach(gateway)
            yield gateway, one, other
            loads = gateway.gateway.live.endpoints.loads.values()
            await until(lambda: not any(load.in_flight or load.in_flight_tokens for load in loads))
            assert not gateway.gateway.late and not gateway.gateway.journeys


def teach(gateway: Running) -> None:
    for candidates in gateway.gateway.live.endpoints.by_deployment.values():
        for streamed in (True, False):
            for _ in range(30):
                gateway.gateway.live.counters.waited(candidates[0], kind("chat", streamed, 10), 0.01)


def line(gateway: Running) -> dict[str, Any]:
    (only,) = gateway.requests()
    return only


def answered_by(reply: Reply, place: str) -> bool:
    return reply.status == 200 and reply.headers["x-cloverleaf-deployment"] == place


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_late_attempt_is_hedged_and_stopped_when_the_hedge_speaks(door: str, streamed: bool) -> None:
    async with pair(silent, SPEAKS if streamed else whole(ANSWER), door) as (gateway, one, _):
        reply = await ask(gateway.port, chat(stream=streamed))
        await until(lambda: one.calls[0].left.is_set())
        assert answered_by(reply, "other")
        assert reply.headers["x-cloverleaf-attempts"] == "2"
        logged = line(gateway)
        assert (logged["hedged"], logged["tried"]) == ("won", ["one"])
        assert [(spent["deployment"], spent["end"]) for spent in logged["spent"]] == [("one", "cancelled")]
        assert logged["spent"][0]["usage"]["prompt"] > 0, "its prompt counts as read"


async def test_a_hedge_that_is_slower_is_stopped(door: str) -> None:
    first = Cued(SPEAKS)
    async with pair(first, cues(first, silent), door) as (gateway, _, other):
        reply = await ask(gateway.port, chat(stream=True))
        await until(lambda: other.calls[0].left.is_set())
        assert answered_by(reply, "one")
        assert line(gateway)["hedged"] == "lost"


async def test_a_hedge_goes_on_where_the_first_fails(door: str) -> None:
    first, second = Cued(reset), Cued(SPEAKS)
    async with pair(first, second, door) as (gateway, one, other):
        asking = asyncio.create_task(ask(gateway.port, chat(stream=True)))
        await until(lambda: other.calls)
        first.cue.set()
        await until(lambda: len(gateway.gateway.live.endpoints.loads["one", one.url].breakers) == 1)
        second.cue.set()
        reply = await asking
        assert answered_by(reply, "other")
        assert (len(one.calls), len(other.calls)) == (1, 1)


async def test_when_both_fail_the_next_places_are_tried_and_the_client_is_told(door: str) -> None:
    first = Cued(reset)
    async with pair(first, cues(first, reset), door) as (gateway, one, other):
        reply = await ask(gateway.port, chat(stream=True))
        assert reply.status == 502
        assert len(one.calls) + len(other.calls) <= 6


@pytest.mark.parametrize("streamed", [True, False])
async def test_a_client_that_leaves_stops_both(door: str, streamed: bool) -> None:
    async with pair(silent, silent, door) as (gateway, one, other):
        asking = asyncio.create_task(ask(gateway.port, chat(stream=streamed)))
        await until(lambda: other.calls)
        asking.cancel()
        await until(lambda: one.calls[0].left.is_set() and other.calls[0].left.is_set())


NOT_HEDGED = {
    "disabled": ("hedge: {enabled: false, budget: 100%}", True, ""),
    "no-budget": ("hedge: {enabled: true, budget: 1%}", True, ""),
    "nothing-known": (HEDGE, False, ""),
    "same-domain": (HEDGE, True, ", quota: shared"),
}


@pytest.mark.parametrize("how", NOT_HEDGED)
async def test_nothing_is_hedged_without_reason_budget_or_another_domain(door: str, how: str) -> None:
    defaults, known, more = NOT_HEDGED[how]
    first = Cued(SPEAKS)
    async with pair(first, SPEAKS, door, defaults, known=known, more=more) as (gateway, one, other):
        asking = asyncio.create_task(ask(gateway.port, chat(stream=True)))
        await until(lambda: one.calls)
        ticks = gateway.gateway.deadlines.ticks
        await until(lambda: gateway.gateway.deadlines.ticks > ticks + 4)
        first.cue.set()
        assert answered_by(await asking, "one")
        assert other.calls == []


PATIENT = f"{HEDGE}, timeouts: {{ttft: 300ms}}"


async def test_a_silent_attempt_is_kept_while_the_next_is_tried_and_may_still_win(door: str) -> None:
    first = Cued(SPEAKS)
    async with pair(first, cues(first, silent), door, PATIENT, known=False) as (gateway, _, other):
        reply = await ask(gateway.port, chat(stream=True))
        await until(lambda: other.calls[0].left.is_set())
        assert answered_by(reply, "one")
        assert reply.headers["x-cloverleaf-attempts"] == "2"


async def test_a_silent_attempt_is_stopped_when_the_next_one_speaks(door: str) -> None:
    async with pair(silent, SPEAKS, door, PATIENT, known=False) as (gateway, one, _):
        reply = await ask(gateway.port, chat(stream=True))
        await until(lambda: one.calls[0].left.is_set())
        assert answered_by(reply, "other")


async def test_silence_everywhere_ends_in_bounded_time_all_the_same(door: str) -> None:
    async with pair(silent, silent, door, PATIENT, known=False) as (gateway, one, other):
        reply = await ask(gateway.port, chat(stream=True))
        assert (reply.status, reply.json["error"]["code"]) == (504, "first_token_timeout")
        assert (len(one.calls), len(other.calls)) == (1, 1)
