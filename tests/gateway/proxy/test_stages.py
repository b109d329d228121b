"""Stages from outside: each may let a request go on, hold, answer or refuse it, and change what passes either way."""

import asyncio
from collections.abc import Callable, Mapping

import msgspec
import pytest

from backends.contract.adapter import Incoming
from backends.contract.decoder import Decoder
from gateway.catalog.error_response import ErrorResponse
from gateway.catalog.stages import GO_ON, AnswerWith, Decision, GoOn, HoldUntil, Passing, Refuse, Stage
from gateway.config.schema import Config
from policies.selection.model import Model
from policies.vocabulary.failure import Fault
from policies.vocabulary.types import Usage
from tests.contracts.client import ask, chat, connected
from tests.contracts.scripted import ANSWER, stream, upstream, whole
from tests.contracts.serving import running, single, until

CACHED = b'{"id":"cached","choices":[]}'


@pytest.fixture(params=["hot", "litestar"])
def door(request: pytest.FixtureRequest) -> str:
    return str(request.param)


class Deciding(Stage):
    """Decides as it is told about requests of the model ``m``."""

    def __init__(self, decide: Callable[[Passing], Decision]) -> None:
        self._decide = decide
        self.passed: list[bytes] = []

    def serves(self, config: Config, model: Model) -> bool:
        return model.name == "m"

    def before(self, passing: Passing) -> Decision:
        self.passed.append(passing.incoming.facts.body)
        return self._decide(passing)


async def test_a_stage_refuses_and_nothing_is_sent(door: str) -> None:
    refusing = Deciding(lambda passing: Refuse(ErrorResponse(403, "not with these words", code="blocked")))
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door, stages=(refusing,)) as gateway:
        reply = await ask(gateway.port, chat())
        assert (reply.status, reply.json["error"]["code"]) == (403, "blocked")
        assert (await ask(gateway.port, chat("mini-m"))).status == 200, "another model has no such stage"
        assert len(up.calls) == 1 and gateway.requests()[0]["status"] == 403


async def test_a_stage_answers_and_nothing_is_sent(door: str) -> None:
    answering = Deciding(lambda passing: AnswerWith(CACHED, usage=Usage(7, 3, 0, "estimated")))
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door, stages=(answering,)) as gateway:
        reply = await ask(gateway.port, chat())
        assert (reply.status, reply.body, reply.headers["x-cloverleaf-attempts"]) == (200, CACHED, "0")
        assert not up.calls and not gateway.gateway.journeys


async def test_a_stage_holds_a_request_and_lets_it_go_on(door: str) -> None:
    free = asyncio.Event()

    async def ready() -> Decision:
        await free.wait()
        return GO_ON

    holding = Deciding(lambda passing: HoldUntil("lease", ready(), 30.0, lambda: GO_ON))
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door, stages=(holding,)) as gateway:
        asking = asyncio.create_task(ask(gateway.port, chat()))
        await until(lambda: gateway.gateway.metrics.holds)
        assert not up.calls and gateway.gateway.metrics.holds == {"lease": 1}
        free.set()
        assert (await asking).status == 200 and len(up.calls) == 1


@pytest.mark.parametrize(("late", "status"), [(GO_ON, 200), (Refuse(ErrorResponse(429, "no lease")), 429)])
async def test_a_hold_that_lasts_too_long_ends_in_its_stage_s_own_way(late: Decision, status: int) -> None:
    stopped = asyncio.Event()

    async def never() -> Decision:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return GO_ON

    holding = Deciding(lambda passing: HoldUntil("lease", never(), 0.01, lambda: late))
    async with upstream(whole(ANSWER)) as up, running(single(up.url), stages=(holding,)) as gateway:
        assert (await ask(gateway.port, chat())).status == status
        await stopped.wait()


async def test_a_client_that_leaves_ends_its_hold(door: str) -> None:
    stopped = asyncio.Event()

    async def never() -> Decision:
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return GO_ON

    holding = Deciding(lambda passing: HoldUntil("lease", never(), 30.0, lambda: GO_ON))
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door, stages=(holding,)) as gateway:
        async with connected(gateway.port) as client:
            client.send(chat())
            await until(lambda: gateway.gateway.metrics.holds)
            client.leave()
        await stopped.wait()
        await until(lambda: not gateway.gateway.journeys)
        assert not up.calls and gateway.requests()[0]["failure"] == "CANCELLED"


async def test_a_defect_of_a_hold_costs_its_request_alone() -> None:
    async def broken() -> Decision:
        raise ZeroDivisionError

    holding = Deciding(lambda passing: HoldUntil("lease", broken(), 30.0, lambda: GO_ON))
    async with upstream(whole(ANSWER)) as up, running(single(up.url), stages=(holding,)) as gateway:
        assert (await ask(gateway.port, chat())).status == 500
        assert (await ask(gateway.port, chat("mini-m"))).status == 200


async def test_a_stage_changes_the_body_that_goes_on_and_the_next_one_sees_it(door: str) -> None:
    def shorter(passing: Passing) -> Decision:
        return GoOn(body=passing.incoming.facts.body.replace(b"Say something", b"Say it"))

    first, second = Deciding(shorter), Deciding(lambda passing: GO_ON)
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door, stages=(first, second)) as gateway:
        assert (await ask(gateway.port, chat())).status == 200
        sent = msgspec.json.decode(up.calls[0].body)
        assert (sent["messages"][0]["content"], sent["model"]) == ("Say it", "upstream-m")
        assert b"Say it" in second.passed[0]


class Louder:
    """A Decoder around another one: its text in capitals."""

    def __init__(self, inner: Decoder) -> None:
        self._inner = inner
        self.committed = self.progressed = False
        self.fault: Fault | None = None
        self.usage = inner.usage

    @property
    def generated(self) -> int:
        return self._inner.generated

    @property
    def head(self) -> Mapping[bytes, bytes] | None:
        return self._inner.head

    def feed(self, data: bytes) -> bytes:
        out = self._inner.feed(data)
        self._follow()
        return out.replace(b'"content":"yes"', b'"content":"YES"')

    def close(self) -> bytes:
        out = self._inner.close()
        self._follow()
        return out

    def _follow(self) -> None:
        inner = self._inner
        self.committed, self.progressed = inner.committed, inner.progressed
        self.fault, self.usage = inner.fault, inner.usage


class Loud(Stage):
    def around(self, incoming: Incoming, decoder: Decoder, content_type: bytes) -> Decoder:
        return Louder(decoder) if content_type.startswith(b"text/event-stream") else decoder


async def test_a_stage_changes_the_text_of_a_streamed_reply(door: str) -> None:
    said = b'data: {"id":"1","choices":[{"index":0,"delta":{"content":"yes"},"finish_reason":null}]}\n\n'
    last = b'data: {"id":"1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\ndata: [DONE]\n\n'
    script = stream(said, said, said, last)
    async with upstream(script) as up, running(single(up.url), door, stages=(Loud(),)) as gateway:
        reply = await ask(gateway.port, chat(stream=True))
        assert reply.whole and reply.body.count(b"YES") == 3 and b"yes" not in reply.body
        assert reply.body.endswith(b"data: [DONE]\n\n")


async def test_a_model_without_stages_has_none_in_the_catalog() -> None:
    async with upstream(whole(ANSWER)) as up, running(single(up.url)) as gateway:
        assert gateway.gateway.catalog.before == gateway.gateway.catalog.around == {}
