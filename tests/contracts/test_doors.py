"""Both doors. Rule: what a client sees does not depend on which of them its request came through."""

import pytest

from tests.contracts.client import Reply, ask, chat, get, post
from tests.contracts.scripted import ANSWER, error, upstream, whole
from tests.contracts.serving import running, single

KEYS = """
auth:
  keys:
    - {name: all, key: sk-all}
    - {name: few, key: sk-few, models: ["mini-*"]}
"""


async def answered(door: str, request: bytes, more: str = "") -> Reply:
    """The answer to one request, before an upstream that always answers."""
    async with upstream(whole(ANSWER)) as up, running(single(up.url, more), door) as gateway:
        reply = await ask(gateway.port, request)
        assert gateway.gateway.journeys == set()
        return reply


# Who may ask


@pytest.mark.parametrize("line", ["authorization: Bearer sk-all", "Authorization: bearer  sk-all", "x-api-key: sk-all"])
async def test_a_known_key_is_served(door: str, line: str) -> None:
    reply = await answered(door, chat("m", line), KEYS)
    assert (reply.status, reply.body) == (200, ANSWER)


@pytest.mark.parametrize(
    "line", ["x-nothing: 1", "authorization: Bearer ", "authorization: Basic sk-all", "x-api-key: sk-al", "x-api-key: "]
)
async def test_no_key_or_a_wrong_one_is_401(door: str, line: str) -> None:
    reply = await answered(door, chat("m", line), KEYS)
    assert (reply.status, reply.json["error"]["code"]) == (401, "invalid_api_key")


async def test_a_key_is_refused_the_models_that_are_not_its_own(door: str) -> None:
    reply = await answered(door, chat("m", "x-api-key: sk-few"), KEYS)
    assert (reply.status, reply.json["error"]["code"]) == (403, "model_not_allowed")
    assert (await answered(door, chat("mini-m", "x-api-key: sk-few"), KEYS)).status == 200


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost:8080", "LOCALHOST", "[::1]:80"])
async def test_without_keys_a_direct_local_client_is_served(door: str, host: str) -> None:
    assert (await answered(door, chat("m", f"host: {host}"))).status == 200


@pytest.mark.parametrize(
    "line",
    [
        "x-forwarded-for: 1.2.3.4",
        "forwarded: for=1.2.3.4",
        "via: 1.1 proxy",
        "x-real-ip: 1.2.3.4",
        "host: evil.example",
    ],
)
async def test_without_keys_a_forwarded_request_or_a_foreign_host_is_refused(door: str, line: str) -> None:
    reply = await answered(door, chat("m", line))
    assert (reply.status, reply.json["error"]["code"]) == (403, "keys_required")


async def test_with_keys_a_forwarded_request_is_served(door: str) -> None:
    lines = ("x-api-key: sk-all", "x-forwarded-for: 1.2.3.4", "host: api.example")
    assert (await answered(door, chat("m", *lines), KEYS)).status == 200


# Errors


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        (b"{", 400, None),
        (b"[]", 400, None),
        (b"", 400, None),
        (b'{"model": "m", "messages": []} trailing', 400, None),
        (b'{"messages": []}', 400, "model"),
        (b'{"model": 5}', 400, "model"),
        (b'{"model": "m", "model": "m"}', 400, "model"),
        (b'{"model": "m", "\\u006dodel": "x"}', 400, "model"),
        (b'{"model": "nothing-like-it"}', 404, "model"),
        (b'{"model": "m", "stream": "yes"}', 400, "stream"),
    ],
)
async def test_a_body_that_cannot_be_routed_is_refused_in_openais_words(
    door: str, body: bytes, status: int, param: str | None
) -> None:
    reply = await answered(door, post("/v1/chat/completions", body))
    assert reply.status == status
    assert reply.headers["content-type"] == "application/json"
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}
    assert (reply.json["error"]["type"], reply.json["error"]["param"]) == ("invalid_request_error", param)


@pytest.mark.parametrize(("body", "kind"), [(b"{", "invalid_request_error"), (b'{"model": "x"}', "not_found_error")])
async def test_messages_are_refused_in_anthropics_words(door: str, body: bytes, kind: str) -> None:
    reply = await answered(door, post("/v1/messages", body))
    assert reply.json["type"] == "error"
    assert reply.json["error"]["type"] == kind


@pytest.mark.parametrize(
    "path", ["/v1/nothing", "/metrics", "/invocations", "/sleep", "/v1/load_lora_adapter", "/fault"]
)
async def test_nothing_else_of_an_upstream_is_reachable(door: str, path: str) -> None:
    reply = await answered(door, post(path, b"{}"))
    assert reply.status == 404
    assert set(reply.json["error"]) == {"message", "type", "param", "code"}


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
async def test_another_method_is_405(door: str, method: str) -> None:
    reply = await answered(door, chat().replace(b"POST", method.encode(), 1))
    assert (reply.status, reply.headers["allow"]) == (405, "POST")
    assert reply.json["error"]["code"] == "method_not_allowed"


async def test_the_upstreams_refusal_of_the_request_is_passed_on_as_it_is(door: str) -> None:
    async with upstream(error(400, message="no such voice")) as up, running(single(up.url), door) as gateway:
        reply = await ask(gateway.port, chat())
    assert reply.status == 400
    assert reply.json == {"error": {"message": "no such voice", "type": "scripted", "param": None, "code": None}}


# Headers


@pytest.mark.parametrize("path", ["/v1/chat/completions", "/v1/models", "/v1/nothing"])
async def test_a_valid_request_id_is_kept(door: str, path: str) -> None:
    request = (
        chat("m", "x-request-id: my-id_1.2:3") if path.endswith("s") and "chat" in path else get(path, "my-id_1.2:3")
    )
    assert (await answered(door, request)).headers["x-request-id"] == "my-id_1.2:3"


@pytest.mark.parametrize("given", ["has space", "x" * 129, 'quote"d', ""])
async def test_an_invalid_request_id_is_replaced(door: str, given: str) -> None:
    reply = await answered(door, chat("m", f"x-request-id: {given}"))
    assert reply.headers["x-request-id"] not in ("", given)


async def test_an_answer_says_where_it_came_from_and_what_it_cost(door: str) -> None:
    headers = (await answered(door, chat())).headers
    assert headers["x-cloverleaf-deployment"] == "d"
    assert headers["x-cloverleaf-attempts"] == "1"
    assert 0.0 <= float(headers["x-cloverleaf-overhead-ms"]) < 1000.0
    assert float(headers["x-cloverleaf-cost-usd"]) == (1000 * 1 + 500 * 2) / 1e6
    assert headers["date"]


async def test_an_upstreams_own_headers_pass_back_by_an_allow_list(door: str) -> None:
    lines = ("openai-processing-ms: 12", "x-ratelimit-remaining-tokens: 7", "set-cookie: a=b", "x-internal: no")
    async with upstream(whole(ANSWER, *lines)) as up, running(single(up.url), door) as gateway:
        headers = (await ask(gateway.port, chat())).headers
    assert (headers["openai-processing-ms"], headers["x-ratelimit-remaining-tokens"]) == ("12", "7")
    assert not {"set-cookie", "x-internal"} & headers.keys()


async def test_a_page_on_an_allowed_origin_may_read_the_answer(door: str) -> None:
    cors = 'server: {cors: ["https://app.example"]}'
    allowed = await answered(door, chat("m", "origin: https://app.example"), cors)
    assert allowed.headers["access-control-allow-origin"] == "https://app.example"
    assert (
        "access-control-allow-origin"
        not in (await answered(door, chat("m", "origin: https://x.example"), cors)).headers
    )
    asked = b"OPTIONS /v1/chat/completions HTTP/1.1\r\nhost: x\r\norigin: https://app.example\r\n\r\n"
    assert (await answered(door, asked, cors)).status == 204


# Models


async def test_models_are_listed_and_found_by_name(door: str) -> None:
    async with running(single("http://127.0.0.1:9/v1"), door) as gateway:
        listed = await ask(gateway.port, get("/v1/models"))
        found = await ask(gateway.port, get("/v1/models/mini-m"))
        missing = await ask(gateway.port, get("/v1/models/none"))
    assert [each["id"] for each in listed.json["data"]] == ["m", "mini-m"]
    assert found.json["id"] == "mini-m"
    assert (missing.status, missing.json["error"]["code"]) == (404, "model_not_found")


async def test_a_key_is_shown_only_its_own_models(door: str) -> None:
    request = b"GET /v1/models HTTP/1.1\r\nhost: x\r\nx-api-key: sk-few\r\n\r\n"
    assert [each["id"] for each in (await answered(door, request, KEYS)).json["data"]] == ["mini-m"]
    assert (await answered(door, get("/v1/models"), KEYS)).status == 401
