"""One connection, many requests. Rule: each is answered, in its turn, however its bytes arrive."""

import msgspec

from tests.contracts.client import ask, chat, connected, get, post
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import running, single


async def test_pipelined_requests_are_answered_in_order(door: str) -> None:
    bodies = [ANSWER.replace(b"yes", b"answer %d" % i) for i in range(10)]
    async with (
        upstream(*map(whole, bodies)) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        client.send(b"".join(chat() for _ in range(10)))
        assert [(await client.reply()).body for _ in range(10)] == bodies


async def test_a_refused_request_among_pipelined_ones_is_answered_in_its_turn(door: str) -> None:
    async with (
        upstream(whole(ANSWER)) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        client.send(chat() + chat("unknown") + get("/v1/models") + chat() + post("/v1/messages", b"{") + chat())
        assert [(await client.reply()).status for _ in range(6)] == [200, 404, 200, 200, 400, 200]


async def test_two_thousand_pipelined_bad_requests_do_not_nest(door: str) -> None:
    bad = post("/v1/chat/completions", b"{")
    async with (
        upstream(whole(ANSWER)) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        client.send(chat() + bad * 2000 + chat())
        assert (await client.reply()).status == 200
        assert {(await client.reply()).status for _ in range(2000)} == {400}
        assert (await client.reply()).status == 200


async def test_a_connection_is_kept_until_the_client_says_close(door: str) -> None:
    async with (
        upstream(whole(ANSWER)) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        for _ in range(3):
            assert (await client.ask(chat())).status == 200
        last = await client.ask(chat("m", "connection: close"))
        assert (last.status, last.headers["connection"]) == (200, "close")
        assert await client.closed()


async def test_http_1_0_is_served(door: str) -> None:
    body = msgspec.json.encode({"model": "m", "messages": []})
    async with (
        upstream(whole(ANSWER)) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        reply = await client.ask(post("/v1/chat/completions", body, version="1.0"))
        assert (reply.status, reply.body) == (200, ANSWER)
        assert await client.closed()


async def test_an_offer_of_http_2_is_declined_by_answering() -> None:
    """Java's own client makes this offer with every request. By itself uvicorn loses the body then."""
    lines = ("connection: Upgrade, HTTP2-Settings", "upgrade: h2c", "http2-settings: AAMAAABkAAQCAAAAAAIAAAAA")
    offered = get("/v1/models").replace(b"\r\n\r\n", "\r\n".join(["", *lines, "", ""]).encode())
    async with (
        upstream(whole(ANSWER)) as up,
        running(single(up.url), "hot") as gateway,
        connected(gateway.port) as client,
    ):
        client.send(chat("m", *lines) + offered + chat())
        assert [(await client.reply()).status for _ in range(3)] == [200, 200, 200]
    assert not any(name.lower() in ("upgrade", "http2-settings") for name, _ in up.calls[0].lines)


async def test_a_chunked_request_body_is_read_whole(door: str) -> None:
    body = msgspec.json.encode({"model": "m", "messages": [{"role": "user", "content": "x" * 5000}]})
    chunks = b"".join(
        b"%x\r\n%b\r\n" % (len(part), part) for part in (body[i : i + 100] for i in range(0, len(body), 100))
    )
    head = post("/v1/chat/completions", b"", "transfer-encoding: chunked")
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door) as gateway:
        assert (await ask(gateway.port, head + chunks + b"0\r\n\r\n")).status == 200
        assert up.calls[0].body.replace(b"upstream-m", b"m") == body


async def test_a_client_that_sends_byte_by_byte_is_served(door: str) -> None:
    async with (
        upstream(whole(ANSWER)) as up,
        running(single(up.url), door) as gateway,
        connected(gateway.port) as client,
    ):
        request = chat() + chat("unknown")
        for at in range(len(request)):
            client.send(request[at : at + 1])
            await client.flush()
        assert [(await client.reply()).status for _ in range(2)] == [200, 404]


async def test_one_request_leaves_one_line_in_the_log(door: str) -> None:
    async with upstream(whole(ANSWER)) as up, running(single(up.url), door) as gateway:
        await ask(gateway.port, chat("other", "x-request-id: one"))
        await ask(gateway.port, chat("unknown", "x-request-id: two"))
        one, two = gateway.requests()
    assert (one["id"], one["model"], one["deployment"], one["status"], one["usage"]) == (
        "one",
        "m",
        "d",
        200,
        "upstream",
    )
    assert (one["prompt_tokens"], one["completion_tokens"], one["attempts"]) == (1000, 500, 1)
    assert (two["id"], two["status"]) == ("two", 404)
