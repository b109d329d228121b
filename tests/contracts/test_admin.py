"""The admin API: guarded; what was decided, what became of it, what is in force, and events as they come."""

import asyncio
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import httpx
import msgspec
import pytest
from litestar.testing import AsyncTestClient

from gateway.reporting.event_stream import MOST, EventStream
from gateway.server.admin.app import admin_app
from gateway.server.admin.events import stream
from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import admin, running, single, until

GUARDED = ("/metrics", "/api/status", "/api/decisions", "/api/requests", "/api/config", "/api/events")
TOKEN = "admin: {token: secret}\n"


async def events(reply: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    name = ""
    async for line in reply.aiter_lines():
        if line.startswith("event: "):
            name = line[7:]
        elif line.startswith("data: "):
            yield name, msgspec.json.decode(line[6:])


async def test_recent_decisions_are_told_to_whoever_holds_the_token() -> None:
    more = f"{TOKEN}telemetry: {{decisions: 100%}}"
    async with upstream(whole(ANSWER)) as up, running(single(up.url, more)) as gateway:
        answered = await ask(gateway.port, chat())
        async with AsyncTestClient(admin_app(gateway.app.monitor, gateway.app.feed)) as client:
            assert (await client.get("/api/decisions")).status_code == 401
            reply = await client.get("/api/decisions", headers={"authorization": "Bearer secret"})
    (record,) = reply.json()
    assert record["id"] == answered.headers["x-request-id"]
    assert record["decision"]["considered"][0]["chosen"] is True
    assert (record["actual"]["status"], record["actual"]["prompt_tokens"]) == (200, 1000)


@pytest.mark.parametrize("path", GUARDED)
@pytest.mark.parametrize("header", [None, "Bearer wrong", "Basic c2VjcmV0", "secret2", "Bearer sécret"])
async def test_nothing_is_told_without_the_token(path: str, header: str | None) -> None:
    async with running(single("http://127.0.0.1:9", TOKEN)) as gateway, admin(gateway) as client:
        given = {"authorization": header.encode()} if header else {}
        assert (await client.get(path, headers=given)).status_code == 401  # type: ignore[arg-type]
        assert (await client.get("/")).status_code == 200  # the page itself holds nothing


@pytest.mark.parametrize("path", GUARDED)
async def test_without_a_token_only_this_machine_is_told_anything(path: str) -> None:
    async with running(single("http://127.0.0.1:9")) as gateway, admin(gateway) as client:
        for host in ("evil.example", "evil.example:8081", "127.0.0.1.evil.example", ""):
            assert (await client.get(path, headers={"host": host})).status_code == 403
        if path != "/api/events":
            assert (await client.get(path, headers={"host": "localhost:8081"})).status_code == 200


async def test_a_recent_request_is_told_with_its_cost_and_its_decision_where_that_was_kept() -> None:
    async with upstream(whole(ANSWER), whole(ANSWER)) as up:
        for more, decided in (("telemetry: {decisions: 100%}", True), ("", False)):
            async with running(single(up.url, more)) as gateway, admin(gateway) as client:
                id = (await ask(gateway.port, chat())).headers["x-request-id"]
                (listed,) = (await client.get("/api/requests")).json()
                opened = (await client.get("/api/requests", params={"id": id})).json()
                assert (await client.get("/api/requests", params={"id": "nö\n"})).status_code == 404
                assert (await client.get("/api/requests", params={"limit": -1})).json() == []
                assert (await client.get("/api/requests?explain")).json() == ([opened] if decided else [])
                assert (await client.get("/api/requests?explain&limit=0")).json() == []
            assert opened["recent"] == listed
            assert (listed["request"]["id"], listed["request"]["status"], listed["decided"]) == (id, 200, decided)
            assert listed["cost"] == pytest.approx((1000 * 1 + listed["request"]["completion_tokens"] * 2) / 1e6)
            assert (opened["decision"] is not None) == decided
            assert not decided or opened["decision"]["id"] == id


async def test_every_attempt_of_a_request_is_told_with_its_end(engine: str) -> None:
    text = f"""
deployments:
  gone: {{provider: openai_compatible, model: m, base_url: "http://127.0.0.1:9/v1"}}
  good: {{provider: openai_compatible, model: m, base_url: "{engine}/v1"}}
models: {{m: {{deployments: [gone, good]}}}}
"""
    async with running(text) as gateway, admin(gateway) as client:
        id = (await ask(gateway.port, chat())).headers["x-request-id"]
        tries = (await client.get("/api/requests", params={"id": id})).json()["tries"]
    assert [(each["deployment"], each["reason"], each["end"]) for each in tries] == [
        ("gone", "first", "unreachable"),
        ("good", "fallback", "ok"),
    ]
    assert 0.0 <= tries[0]["began"] <= tries[1]["began"] and tries[1]["took"] > 0.0


@pytest.mark.parametrize("policy", ["order", "prefix", "session", "power_of_two", "slo_cost"])
async def test_where_a_request_like_it_would_go_now_can_be_asked_afterwards(policy: str) -> None:
    spec = "{kind: slo_cost, slo: {ttft: 1s}}" if policy == "slo_cost" else f"{{kind: {policy}}}"
    async with upstream(whole(ANSWER)) as up:
        text = (
            single(up.url).replace("aliases: [other]", "aliases: [other], policy: mine") + f"policies: {{mine: {spec}}}"
        )
        async with running(text) as gateway, admin(gateway) as client:
            id = (await ask(gateway.port, chat())).headers["x-request-id"]
            asked = {"id": id, "again": True}
            told = (await client.get("/api/requests", params=asked)).json()
            (considered,) = told["again"]["considered"]
            assert (told["decision"], told["again"]["policy"]) == (None, policy)
            assert (considered["chosen"], told["again"]["prompt_tokens"]) == (True, 1000)
            gateway.gateway.live.counters.healthy(("d", considered["endpoint"]), False)
            (considered,) = (await client.get("/api/requests", params=asked)).json()["again"]["considered"]
            assert (considered["chosen"], considered["refused_by"]) == (False, "healthy")


async def test_the_configuration_is_told_with_policies_taken_apart_and_secrets_masked() -> None:
    more = "auth: {keys: [{name: k, key: canary-key}]}\n" + TOKEN
    async with running(single("http://127.0.0.1:9", more)) as gateway, admin(gateway) as client:
        told = await client.get("/api/config", headers={"authorization": "Bearer secret"})
    assert "canary" not in told.text and "secret" not in told.text
    assert [filter["kind"] for filter in told.json()["policies"]["order"]["filters"]] == ["capable", "healthy"]
    assert "upstream-m" in told.json()["yaml"] and told.json()["models"]["m"]["policy"] == "order"


async def test_events_bring_the_past_and_then_each_second() -> None:
    async with upstream(whole(ANSWER), whole(ANSWER)) as up, running(single(up.url)) as gateway:
        first = (await ask(gateway.port, chat())).headers["x-request-id"]
        async with admin(gateway) as client, client.stream("GET", "/api/events") as reply:
            assert reply.headers["content-type"].startswith("text/event-stream")
            told = events(reply)
            name, hello = await anext(told)
            assert (name, [each["request"]["id"] for each in hello["requests"]]) == ("hello", [first])
            second = (await ask(gateway.port, chat())).headers["x-request-id"]
            async for name, tick in told:
                assert name == "tick" and len(tick["points"]) == 1
                if tick["requests"] and tick["requests"][0]["request"]["id"] == second:
                    break
            assert tick["report"]["now"]["requests"] == 2


async def test_a_viewer_that_leaves_is_forgotten_and_too_many_are_refused() -> None:
    async with running(single("http://127.0.0.1:9")) as gateway, admin(gateway) as client:
        feed = gateway.app.feed
        async with client.stream("GET", "/api/events") as reply:
            await anext(reply.aiter_bytes())
            assert feed.viewers == 1
        await until(lambda: feed.viewers == 0)
        feed.viewers = MOST
        assert (await client.get("/api/events")).status_code == 503
        feed.viewers = 0


async def test_a_viewer_that_reads_slowly_misses_events_and_is_told_the_past_again() -> None:
    async with running(single("http://127.0.0.1:9")) as gateway:
        feed = EventStream(gateway.app.monitor)
        async with aclosing(feed.watch()) as told:
            assert (await anext(told)).startswith(b"event: hello\n")
            assert (await anext(told)).startswith(b"event: tick\n")
            ticks = feed.ticks
            await until(lambda: feed.ticks >= ticks + 3)  # it does not read
            assert (await anext(told)).startswith(b"event: hello\n")
            assert (await anext(told)).startswith(b"event: tick\n")
            feed.close()
            with pytest.raises(StopAsyncIteration):
                await anext(told)
        assert feed.viewers == 0


async def test_what_a_viewer_does_not_read_is_not_kept_for_it() -> None:
    async with running(single("http://127.0.0.1:9")) as gateway, admin(gateway) as client:
        port = int(str(client.base_url).rpartition(":")[2].strip("/"))
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1024)
        writer.write(b"GET /api/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        await reader.readline()
        feed = gateway.app.feed
        ticks = feed.ticks
        await until(lambda: feed.ticks >= ticks + 3)
        assert feed.viewers == 1
        async with client.stream("GET", "/api/events") as reply:  # another is served meanwhile
            assert (await anext(events(reply)))[0] == "hello"
        writer.close()
        await until(lambda: feed.viewers == 0)


async def test_the_whole_state_is_told_where_it_is_asked_for_and_holds_no_credential() -> None:
    more = "auth: {keys: [{name: k, key: canary-key}]}"
    config = single("http://127.0.0.1:9", more).replace(
        "model: upstream-m", "model: upstream-m\n    api_key: canary-up", 1
    )
    async with running(config) as gateway, admin(gateway) as client:
        plain, whole = (await client.get("/api/status")).json(), (await client.get("/api/status?state")).json()
    assert plain["state"] is None
    state = b64decode(whole["state"])
    assert b"http://127.0.0.1:9" in state and b"canary" not in state


async def test_a_viewer_that_never_reads_is_given_up() -> None:
    async def receive() -> Any:
        await asyncio.Event().wait()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            await asyncio.Event().wait()  # its window is closed

    async with running(single("http://127.0.0.1:9")) as gateway:
        await stream(gateway.app.feed, receive, send, patience=0.05)
        assert gateway.app.feed.viewers == 0
