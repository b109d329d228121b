"""The admin API's document, its guard, and what another endpoint has to bring."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
import requests
import schemathesis
from litestar import post
from litestar.testing import AsyncTestClient

from gateway.proxy.context import Gateway
from gateway.server.admin.app import HANDLERS, admin_app
from gateway.server.admin.guard import authorised
from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import Running, admin, running, single

TOKEN = {"authorization": "Bearer secret"}


@pytest.fixture
async def gateway() -> AsyncIterator[Running]:
    """One that has answered a request and recorded its decision."""
    more = "admin: {token: secret}\ntelemetry: {decisions: 100%}"
    async with upstream(whole(ANSWER)) as up, running(single(up.url, more)) as started:
        await ask(started.port, chat())
        yield started


async def test_every_answer_is_what_the_document_says(gateway: Running) -> None:
    async with admin(gateway) as client:
        found = await client.get("/api/openapi.json", headers=TOKEN)
        assert found.status_code == 200
        url = str(client.base_url)
        asked = await asyncio.to_thread(ask_all, found.json(), url)
    assert asked == {"/health", "/ready", "/metrics", "/api/status", "/api/decisions", "/api/requests", "/api/config"}


def ask_all(document: dict[str, object], url: str) -> set[str]:
    """The paths of every documented operation, each asked once and held against its schema."""
    asked = set()
    with requests.Session() as session:
        session.headers.update(TOKEN)
        for made in schemathesis.openapi.from_dict(document).get_all_operations():
            operation = made.ok()
            case = operation.Case(query={}, headers={})
            answer = case.call(base_url=url, session=session, timeout=30)
            assert answer.status_code == 200
            operation.validate_response(answer)
            asked.add(operation.path)
    return asked


async def test_the_document_names_fields_units_and_how_to_sign_in(gateway: Running) -> None:
    async with admin(gateway) as client:
        document = (await client.get("/api/openapi.json", headers=TOKEN)).json()
    status = document["paths"]["/api/status"]["get"]
    assert status["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert "uptime" in document["components"]["schemas"]["Report"]["properties"]


async def test_the_document_is_guarded(gateway: Running) -> None:
    async with admin(gateway) as client:
        assert (await client.get("/api/openapi.json")).status_code == 401


class Note(msgspec.Struct, frozen=True):
    text: str
    stars: int


async def test_an_endpoint_that_writes_brings_its_body_and_its_answer(gateway: Running) -> None:
    """A made-up one, from outside: its wrong bodies are refused by the field's name, in the envelope of all errors."""

    @post("/api/notes", guards=[authorised], sync_to_thread=False)
    def write(gateway: Gateway, data: Note) -> Note:
        return Note(f"{data.text} on {gateway.version}", data.stars)

    app = admin_app(gateway.app.monitor, gateway.app.feed, (*HANDLERS, write))
    async with AsyncTestClient(app) as client:
        assert (await client.post("/api/notes", json={"text": "a", "stars": 1})).status_code == 401
        made = await client.post("/api/notes", json={"text": "a", "stars": 1}, headers=TOKEN)
        wrong = await client.post("/api/notes", json={"text": "a", "stars": "many"}, headers=TOKEN)
        cut = await client.post("/api/notes", content=b'{"text"', headers=TOKEN)
    assert (made.status_code, made.json()["stars"]) == (201, 1)
    assert wrong.status_code == cut.status_code == 400
    assert wrong.json() == {"error": {"message": "stars: Expected `int`, got `str`", "code": 400}}
    assert cut.json()["error"]["code"] == 400
