"""Failover. Rule: until the client holds content, another place may answer it."""

import pytest

from tests.contracts.client import Reply, ask, chat
from tests.contracts.families import FAMILIES, good, request, two, typed_error
from tests.contracts.scripted import ANSWER, Call, Script, begin, error, reset, silent, stream, upstream, whole
from tests.contracts.serving import running

CASES = [(f, s) for f, (_, events) in FAMILIES.items() for s in (False, True) if events or not s]


FAULTS: dict[str, Script] = {
    "500": error(500),
    "503": error(503),
    "529": error(529),
    "429-later": error(429, "retry-after: 60"),
    "401": error(401),
    "404": error(404),
    "reset": reset,
    "silent": silent,
    "not-json": whole(b"<html>bad gateway</html>", content_type="text/html"),
    "empty": whole(b""),
}


EVERY_FAMILY = ("500", "reset", "not-json")  # the other faults do not depend on the family: chat stands for all


@pytest.mark.parametrize(
    ("family", "streamed", "fault"), [(f, s, b) for f, s in CASES for b in FAULTS if f == "chat" or b in EVERY_FAMILY]
)
async def test_the_next_place_answers_what_the_first_could_not(family: str, streamed: bool, fault: str) -> None:
    script, body = good(family, streamed)
    async with two(FAULTS[fault], script) as (gateway, first, second):
        reply = await ask(gateway.port, request(family, streamed))
    assert (reply.status, reply.body) == (200, body)
    assert reply.headers["x-cloverleaf-deployment"] == "second"
    assert int(reply.headers["x-cloverleaf-attempts"]) == len(first.calls) + 1 <= 3
    assert len(second.calls) == 1


@pytest.mark.parametrize("family", ["chat", "responses", "messages"])
@pytest.mark.parametrize("how", ["error", "cut", "silent"])
async def test_a_stream_that_fails_before_its_first_content_is_answered_elsewhere(
    door: str, family: str, how: str
) -> None:
    events = FAMILIES[family][1]
    assert events is not None

    async def goes_silent(call: Call) -> None:
        await begin(call)
        await call.chunk(events[0])
        await call.left.wait()

    scripts = {"error": typed_error(family), "cut": stream(events[0], end=False), "silent": goes_silent}
    script, body = good(family, True)
    async with two(scripts[how], script, door=door) as (gateway, first, _):
        reply = await ask(gateway.port, request(family, True))
    assert (reply.status, reply.body) == (200, body)
    assert int(reply.headers["x-cloverleaf-attempts"]) == len(first.calls) + 1


async def test_an_endpoint_that_refuses_connections_is_passed_over() -> None:
    async with upstream(whole(ANSWER)) as gone:
        pass
    async with two(silent, whole(ANSWER)) as (gateway, _, second):
        text = f"""
deployments:
  first: {{provider: openai_compatible, model: m, base_url: "{gone.url}"}}
  second: {{provider: openai_compatible, model: m, base_url: "{second.url}"}}
models: {{m: {{deployments: [first, second]}}}}
"""
        async with running(text) as gateway:
            reply = await ask(gateway.port, chat())
    assert (reply.status, reply.headers["x-cloverleaf-attempts"]) == (200, "2")


async def test_a_short_rate_limit_is_waited_out() -> None:
    async with upstream(error(429, "retry-after-ms: 50"), whole(ANSWER)) as up:
        text = f"""
deployments: {{d: {{provider: openai_compatible, model: m, base_url: "{up.url}"}}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text) as gateway:
            reply = await ask(gateway.port, chat())
    assert (reply.status, reply.headers["x-cloverleaf-attempts"]) == (200, "2")


async def test_a_rate_limit_without_a_delay_is_backed_off_from_and_then_left() -> None:
    async with two(error(429), whole(ANSWER)) as (gateway, first, _):
        reply = await ask(gateway.port, chat())
    assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "second")
    assert len(first.calls) <= 3


async def test_another_model_answers_when_every_deployment_failed() -> None:
    more = "  spare: {deployments: [second]}\n"
    async with upstream(error(500)) as a, upstream(whole(ANSWER)) as b:
        text = f"""
deployments:
  first: {{provider: openai_compatible, model: m, base_url: "{a.url}"}}
  second: {{provider: openai_compatible, model: m, base_url: "{b.url}"}}
models:
  m: {{deployments: [first], fallbacks: [spare]}}
{more}
"""
        async with running(text) as gateway:
            reply = await ask(gateway.port, chat())
    assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "second")


@pytest.mark.parametrize("status", [400, 422])
async def test_a_fault_of_the_client_is_asked_of_nobody_else(status: int) -> None:
    async with two(error(status, message="bad field"), whole(ANSWER)) as (gateway, first, second):
        reply = await ask(gateway.port, chat())
    assert (reply.status, reply.json["error"]["message"]) == (status, "bad field")
    assert (len(first.calls), len(second.calls)) == (1, 0)


async def test_a_whole_answer_that_is_cut_is_asked_for_again() -> None:
    async def half(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n{")
        call.cut()

    async with two(half, whole(ANSWER)) as (gateway, _, _):
        reply: Reply = await ask(gateway.port, chat())
    assert (reply.status, reply.body) == (200, ANSWER)
