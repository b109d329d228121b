"""The admin API's decisions: guarded, and what was recorded."""

from litestar.testing import AsyncTestClient

from gateway.admin import admin_app
from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import running, single


async def test_recent_decisions_are_told_to_whoever_holds_the_token() -> None:
    more = "admin: {token: secret}\ntelemetry: {decisions: 100%}"
    async with upstream(whole(ANSWER)) as up, running(single(up.url, more)) as gateway:
        answered = await ask(gateway.port, chat())
        async with AsyncTestClient(admin_app(gateway.gateway)) as client:
            assert (await client.get("/api/decisions")).status_code == 401
            reply = await client.get("/api/decisions", headers={"authorization": "Bearer secret"})
    (record,) = reply.json()
    assert record["id"] == answered.headers["x-request-id"]
    assert record["decision"]["considered"][0]["chosen"] is True
    assert (record["actual"]["status"], record["actual"]["prompt_tokens"]) == (200, 1000)
