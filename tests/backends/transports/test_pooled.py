"""The pool: reuse, the keep-alive race, and what cannot be reached."""

import asyncio
import ssl
from pathlib import Path

import pytest

from backends.contract.adapter import Origin, Wire
from backends.contract.headers import headers
from backends.transports.pooled import IDLE_PLAIN
from policies.vocabulary.failure import Failure
from tests.backends.transports.client import Client, Connect, Heard
from tests.backends.transports.conftest import SkewedLoop
from tests.scripted import Peer, Script, Scripted, answers

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"


def hears_then(*steps: bytes | None) -> Script:
    """Hear a request and say this; None: close without a word."""

    async def script(peer: Peer) -> None:
        for step in steps:
            await peer.hear()
            if step is None:
                return
            await peer.say(step)
        await peer.leaves()

    return script


async def test_a_request_is_written_whole_and_its_answer_heard_in_order(client: Client) -> None:
    async with Scripted(answers(b"HTTP/1.1 201 Made\r\nX-A: 1\r\nx-a: 2\r\nContent-Length: 2\r\n\r\nhi")) as server:
        heard = await client.ask(server, b'{"a":1}')
        assert server.peers[0].requests == [
            (b"POST /v1/x HTTP/1.1\r\nhost: h\r\ncontent-length: 7\r\n\r\n", b'{"a":1}')
        ]
    assert heard.calls == ["sent", "head", "data", "end"]
    assert (heard.status, heard.body) == (201, b"hi")
    assert heard.headers == {b"x-a": b"2", b"content-length": b"2"}


async def test_a_connection_is_reused(client: Client) -> None:
    async with Scripted(answers(OK)) as server:
        for _ in range(5):
            assert (await client.ask(server)).body == b"hi"
        assert len(server.peers) == 1


async def test_it_can_be_reused_in_the_very_call_that_ends_the_answer(client: Client) -> None:
    async with Scripted(answers(OK)) as server:
        _, first = client.send(server)
        again: list[Heard] = []
        first.on_end = lambda: again.append(client.send(server)[1])
        await first.over.wait()
        await again[0].over.wait()
        assert (again[0].body, len(server.peers)) == (b"hi", 1)


async def test_requests_at_once_have_a_connection_each_and_the_last_used_is_taken_first(client: Client) -> None:
    async with Scripted(answers(OK)) as server:
        sent = [client.send(server)[1] for _ in range(3)]
        for heard in sent:
            await heard.over.wait()
        assert len(server.peers) == 3
        for _ in range(4):
            await client.ask(server)
        assert len(server.peers) == 3
        assert sorted(len(peer.requests) for peer in server.peers) == [1, 1, 5]


async def test_no_more_than_max_idle_are_kept(connect: Connect) -> None:
    client = connect(max_idle=1)
    async with Scripted(answers(OK)) as server:
        sent = [client.send(server)[1] for _ in range(3)]
        for heard in sent:
            await heard.over.wait()
        gone = [asyncio.ensure_future(peer.gone.wait()) for peer in server.peers]
        while sum(each.done() for each in gone) < 2:
            await asyncio.wait([each for each in gone if not each.done()], return_when=asyncio.FIRST_COMPLETED)
        assert (await client.ask(server)).body == b"hi"
        assert len(server.peers) == 3


@pytest.mark.parametrize(
    "reply",
    [
        b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 2\r\n\r\nhi",
        b"HTTP/1.0 200 OK\r\ncontent-length: 2\r\n\r\nhi",
        OK + b"HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\nbad",
        OK + b"HTTP/1.1 2",
        OK + b"garbage\r\n\r\n",
    ],
    ids=["asked to close", "old", "another answer", "part of one", "garbage"],
)
async def test_a_connection_that_cannot_be_trusted_is_closed_after_its_answer(client: Client, reply: bytes) -> None:
    async with Scripted(hears_then(reply), answers(OK)) as server:
        heard = await client.ask(server)
        assert (heard.calls, heard.body) == (["sent", "head", "data", "end"], b"hi")
        await server.peers[0].gone.wait()
        assert (await client.ask(server)).body == b"hi"
        assert len(server.peers) == 2


async def test_bytes_that_come_while_idle_close_the_connection(client: Client) -> None:
    speak = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(OK)
        await speak.wait()
        await peer.say(OK)
        await peer.leaves()

    async with Scripted(script, answers(OK)) as server:
        await client.ask(server)
        speak.set()
        await server.peers[0].gone.wait()
        heard = await client.ask(server)
        assert (heard.body, len(server.peers)) == (b"hi", 2)


class TestTheKeepAliveRace:
    """The server closes an idle connection as the next request is written to it."""

    async def test_the_request_is_sent_once_more_on_a_new_connection(self, client: Client) -> None:
        async with Scripted(hears_then(OK, None), answers(OK)) as server:
            await client.ask(server)
            heard = await client.ask(server, b"again")
            assert (heard.calls, heard.body) == (["sent", "sent", "head", "data", "end"], b"hi")
            assert server.peers[1].requests[0][1] == b"again"

    async def test_a_reset_is_the_same_race(self, client: Client) -> None:
        async def script(peer: Peer) -> None:
            await peer.hear()
            await peer.say(OK)
            await peer.hear()
            peer.reset()

        async with Scripted(script, answers(OK)) as server:
            await client.ask(server)
            assert (await client.ask(server)).body == b"hi"

    async def test_every_request_on_a_connection_that_closes_at_once_is_answered(self, client: Client) -> None:
        """The server closes right behind each answer, without saying so: whoever reuses it meets the race."""
        async with Scripted(hears_then(OK, None)) as server:
            for _ in range(20):
                heard = await client.ask(server)
                assert (heard.fault, heard.body) == (None, b"hi")

    async def test_it_is_sent_no_third_time(self, client: Client) -> None:
        async with Scripted(hears_then(OK, None), hears_then(None)) as server:
            await client.ask(server)
            heard = await client.ask(server)
            assert heard.fault is not None and heard.fault.failure is Failure.BROKEN_STREAM
            assert len(server.peers) == 2

    async def test_not_once_a_byte_of_an_answer_has_come(self, client: Client) -> None:
        async def script(peer: Peer) -> None:
            await peer.hear()
            await peer.say(OK)
            await peer.hear()
            await peer.say(b"H")

        async with Scripted(script, answers(OK)) as server:
            await client.ask(server)
            heard = await client.ask(server)
            assert heard.fault is not None and heard.fault.failure is Failure.BROKEN_STREAM
            assert len(server.peers) == 1

    async def test_never_on_a_fresh_connection(self, client: Client) -> None:
        async with Scripted(hears_then(None), answers(OK)) as server:
            heard = await client.ask(server)
            assert heard.fault is not None and heard.fault.failure is Failure.BROKEN_STREAM
            assert (heard.calls, len(server.peers)) == (["sent", "lost"], 1)

    async def test_a_request_that_was_cancelled_is_not_sent_again(self, client: Client) -> None:
        async with Scripted(hears_then(OK, None), answers(OK)) as server:
            await client.ask(server)
            call, heard = client.send(server)
            call.cancel()
            await server.peers[0].gone.wait()
            assert (await client.ask(server)).body == b"hi"
            assert len(server.peers) == 2
        assert heard.calls == ["sent"]


class TestUnreachable:
    async def test_a_refused_connection(self, client: Client) -> None:
        async with Scripted(answers(OK)) as server:
            pass
        heard = await client.ask(server)
        assert heard.calls == ["lost"]
        assert heard.fault is not None and heard.fault.failure is Failure.UNREACHABLE

    @pytest.mark.parametrize("host", ["no-such-host.invalid", "a..b", "x" * 70 + ".com", "h h"])
    async def test_a_name_that_does_not_resolve(self, client: Client, host: str) -> None:
        heard = Heard()
        client.pool.send(Wire(Origin(host, 80, False), b"/", headers(host="h")), heard)
        await heard.over.wait()
        assert heard.fault is not None and heard.fault.failure is Failure.UNREACHABLE
        assert "cannot connect" in heard.fault.message

    async def test_a_server_that_does_not_speak_tls(self, client: Client) -> None:
        async def script(peer: Peer) -> None:
            await peer.say(b"HTTP/1.1 400 Bad Request\r\n\r\n")

        async with Scripted(script) as server:
            heard = await client.ask(server, tls=True)
            assert heard.fault is not None and heard.fault.failure is Failure.UNREACHABLE


class TestTLS:
    @pytest.fixture
    def serving(self, certificate: tuple[Path, Path]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        return context

    async def test_a_certificate_nobody_vouches_for_is_refused(self, client: Client, serving: ssl.SSLContext) -> None:
        async with Scripted(answers(OK), tls=serving) as server:
            heard = await client.ask(server, tls=True)
            assert heard.calls == ["lost"]
            assert heard.fault is not None and heard.fault.failure is Failure.UNREACHABLE
            assert "certificate" in heard.fault.message.lower()

    async def test_a_trusted_one_is_talked_to_and_reused(
        self, connect: Connect, serving: ssl.SSLContext, certificate: tuple[Path, Path]
    ) -> None:
        client = connect(ssl_context=ssl.create_default_context(cafile=str(certificate[0])))
        async with Scripted(answers(OK), tls=serving) as server:
            big = bytes(5_000_000)
            for body in (b"{}", big):
                assert (await client.ask(server, body, tls=True)).body == b"hi"
            assert len(server.peers) == 1
            assert server.peers[0].requests[1][1] == big


class TestCancelling:
    async def test_it_closes_the_connection_at_once(self, client: Client) -> None:
        arrived = asyncio.Event()

        async def script(peer: Peer) -> None:
            await peer.hear()
            arrived.set()
            await peer.leaves()

        async with Scripted(script) as server:
            call, heard = client.send(server)
            await arrived.wait()
            call.cancel()
            await server.peers[0].gone.wait()
        assert heard.calls == ["sent"]

    async def test_nothing_is_heard_of_an_answer_under_way(self, client: Client) -> None:
        async def script(peer: Peer) -> None:
            await peer.hear()
            await peer.say(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhi\r\n")
            await peer.leaves()

        async with Scripted(script) as server:
            call, heard = client.send(server)
            await heard.began.wait()
            call.cancel()
            await server.peers[0].gone.wait()
            await client.pool.close()
        assert heard.calls == ["sent", "head", "data"]

    async def test_it_may_happen_within_the_receivers_own_calls(self, client: Client) -> None:
        async with Scripted(hears_then(OK), answers(OK)) as server:
            call, heard = client.send(server)
            heard.on_head = call.cancel
            await client.ask(server)
        assert "end" not in heard.calls and "lost" not in heard.calls

    async def test_before_the_connection_is_up_nothing_is_sent(self, client: Client) -> None:
        async with Scripted(answers(OK)) as server:
            call, heard = client.send(server, b"dropped")
            call.cancel()
            assert (await client.ask(server, b"sent")).body == b"hi"
            assert [body for peer in server.peers for _, body in peer.requests] == [b"sent"]
        assert heard.calls == []

    async def test_after_the_end_it_does_no_harm(self, client: Client) -> None:
        async with Scripted(answers(OK)) as server:
            call, heard = client.send(server)
            await heard.over.wait()
            call.cancel()
            assert (await client.ask(server)).body == b"hi"
            assert len(server.peers) == 1


async def test_closing_the_pool_closes_its_idle_connections(connect: Connect) -> None:
    client = connect()
    async with Scripted(answers(OK)) as server:
        await client.ask(server)
        await client.pool.close()
        await server.peers[0].gone.wait()


@pytest.mark.skewed
async def test_a_connection_idle_for_long_is_closed_and_one_lately_used_is_kept(client: Client) -> None:
    loop = asyncio.get_running_loop()
    assert isinstance(loop, SkewedLoop)
    async with Scripted(answers(OK)) as old, Scripted(answers(OK)) as new:
        await client.ask(old)
        loop.skew += IDLE_PLAIN * 0.75
        await client.ask(new)
        loop.skew += IDLE_PLAIN * 0.75
        await old.peers[0].gone.wait()
        await client.ask(new)
        await client.ask(old)
        assert (len(new.peers), len(old.peers)) == (1, 2)
