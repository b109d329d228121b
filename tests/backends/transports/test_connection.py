"""One connection: framing, half answers, garbage, pauses, size."""

import asyncio

import pytest

from policies.vocabulary.failure import Failure
from tests.backends.transports.client import Client
from tests.scripted import Peer, Script, Scripted, answers

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nhi"
CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"


def says_then(data: bytes, *, reset: bool = False) -> Script:
    """Hear a request, say this and close."""

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(data)
        if reset:
            peer.reset()

    return script


@pytest.mark.parametrize(
    ("reply", "body"),
    [
        (OK, b"hi"),
        (CHUNKED + b"2\r\nhi\r\n3;ext=1\r\n!!!\r\n0\r\n\r\n", b"hi!!!"),
        (CHUNKED + b"2\r\nhi\r\n0\r\nx-trailer: 1\r\nx-other: 2\r\n\r\n", b"hi"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", b""),
        (b"HTTP/1.1 304 Not Modified\r\n\r\n", b""),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n", b""),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + OK, b"hi"),
        (b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\nHTTP/1.1 102 Processing\r\n\r\n" + OK, b"hi"),
        (b"HTTP/1.1 500\r\nContent-Length:2\r\n\r\nhi", b"hi"),
    ],
    ids=["length", "chunks", "trailers", "204", "304", "empty", "100", "103", "no reason"],
)
@pytest.mark.parametrize("step", [1, 7, 10_000])
async def test_an_answer_is_whole_however_it_is_framed_and_cut(
    client: Client, reply: bytes, body: bytes, step: int
) -> None:
    async def script(peer: Peer) -> None:
        for _ in range(2):
            await peer.hear()
            for at in range(0, len(reply), step):
                await peer.say(reply[at : at + step])
        await peer.leaves()

    async with Scripted(script) as server:
        for _ in range(2):
            heard = await client.ask(server)
            assert (heard.fault, heard.body) == (None, body)
            assert [call for call in heard.calls if call != "data"] == ["sent", "head", "end"]
        assert len(server.peers) == 1


async def test_neither_early_hints_nor_trailers_are_headers_of_the_answer(client: Client) -> None:
    hints = b"HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n"
    reply = b"HTTP/1.1 200 OK\r\ncontent-type: a/b\r\ntransfer-encoding: chunked\r\n\r\n0\r\ncontent-type: x/y\r\n\r\n"
    async with Scripted(answers(hints + reply)) as server:
        heard = await client.ask(server)
    assert heard.headers == {b"content-type": b"a/b", b"transfer-encoding": b"chunked"}


async def test_headers_of_one_answer_do_not_show_in_the_next(client: Client) -> None:
    first = b"HTTP/1.1 200 OK\r\nx-first: 1\r\ncontent-length: 0\r\n\r\n"
    async with Scripted(answers(first, OK)) as server:
        assert b"x-first" in (await client.ask(server)).headers
        assert (await client.ask(server)).headers == {b"content-length": b"2"}


async def test_what_arrives_together_is_heard_together(client: Client) -> None:
    async with Scripted(answers(CHUNKED + b"1\r\na\r\n1\r\nb\r\n1\r\nc\r\n0\r\n\r\n")) as server:
        heard = await client.ask(server)
    assert (heard.calls.count("data"), heard.body) == (1, b"abc")


async def test_an_answer_without_a_length_ends_with_its_connection(client: Client) -> None:
    async with Scripted(says_then(b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nto the end")) as server:
        heard = await client.ask(server)
        assert (heard.fault, heard.body) == (None, b"to the end")
        await client.ask(server)
        assert len(server.peers) == 2


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 200 OK\r\ncontent-le",
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhi",
        CHUNKED + b"2\r\nhi\r\n",
        CHUNKED + b"2\r\nhi\r\n0\r\n",
    ],
    ids=["nothing", "half a head", "100 only", "no body", "half a body", "no last chunk", "no last line"],
)
@pytest.mark.parametrize("reset", [False, True])
async def test_an_answer_cut_short_is_broken(client: Client, said: bytes, reset: bool) -> None:
    async with Scripted(says_then(said, reset=reset)) as server:
        heard = await client.ask(server)
    assert heard.fault is not None and heard.fault.failure is Failure.BROKEN_STREAM
    assert heard.calls[-1] == "lost" and "end" not in heard.calls


async def test_a_reset_does_not_end_an_answer_without_a_length(client: Client) -> None:
    begun = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"HTTP/1.1 200 OK\r\n\r\nhalf")
        await begun.wait()
        peer.reset()

    async with Scripted(script) as server:
        _, heard = client.send(server)
        await heard.began.wait()
        begun.set()
        await heard.over.wait()
    assert heard.fault is not None and heard.fault.failure is Failure.BROKEN_STREAM


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH_9.2\r\n",
        b"\x16\x03\x01\x00\x00",
        b"HTTP/1.1 two hundred\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: two\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        CHUNKED + b"zz\r\n",
        b"HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\nPRI",
    ],
)
async def test_what_is_not_http_is_malformed(client: Client, said: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(said)
        await peer.leaves()

    async with Scripted(script, answers(OK)) as server:
        heard = await client.ask(server)
        assert heard.fault is not None and heard.fault.failure is Failure.MALFORMED
        await server.peers[0].gone.wait()
        assert (await client.ask(server)).body == b"hi"


@pytest.mark.parametrize("endless", [b"x-a: aaaaaaaaaaaaaaaa\r\n", b"a", b"HTTP/1.1 100 Continue\r\n\r\n"])
async def test_a_head_without_end_is_malformed(client: Client, endless: bytes) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        if not endless.startswith(b"HTTP"):
            await peer.say(b"HTTP/1.1 200 OK\r\nx-b: ")
        while True:
            await peer.say(endless * 100)

    async with Scripted(script) as server:
        heard = await client.ask(server)
    assert heard.fault is not None and heard.fault.failure is Failure.MALFORMED
    assert "headers exceed" in heard.fault.message


@pytest.mark.parametrize("framing", [b"content-length: 10000000", b"transfer-encoding: chunked", b"x-a: b"])
async def test_ten_megabytes_pass_both_ways(client: Client, framing: bytes) -> None:
    body = bytes(range(250)) * 40_000

    async def script(peer: Peer) -> None:
        asked = await peer.hear()
        await peer.say(b"HTTP/1.1 200 OK\r\n" + framing + b"\r\n\r\n")
        chunked = framing.endswith(b"chunked")
        await peer.say(b"%x\r\n%b\r\n0\r\n\r\n" % (len(asked), asked) if chunked else asked)

    async with Scripted(script) as server:
        heard = await client.ask(server, body)
        assert server.peers[0].requests[0][1] == body
    assert (heard.fault, heard.body == body) == (None, True)


async def test_an_answer_that_comes_before_the_request_is_all_written_does_not_keep_the_connection(
    client: Client,
) -> None:
    async def script(peer: Peer) -> None:
        await peer.say(b"HTTP/1.1 413 Too Large\r\ncontent-length: 2\r\n\r\nno")
        await peer.leaves()

    async with Scripted(script, answers(OK)) as server:
        heard = await client.ask(server, bytes(30_000_000))
        assert (heard.fault, heard.status, heard.body) == (None, 413, b"no")
        assert (await client.ask(server)).body == b"hi"
        assert len(server.peers) == 2


async def test_a_receiver_that_pauses_holds_the_upstream_back_until_it_resumes(client: Client) -> None:
    size = 32_000_000  # far more than the kernel buffers between two sockets
    writing = asyncio.Event()

    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % size)
        writing.set()
        await peer.say(bytes(size))
        await peer.leaves()

    async with Scripted(script, answers(OK)) as server:
        call, heard = client.send(server)
        heard.on_head = call.pause
        await writing.wait()
        for _ in range(20):  # others are served meanwhile
            assert (await client.ask(server)).body == b"hi"
        held = len(heard.body)
        assert held < size / 2
        assert server.peers[0].writer.transport.get_write_buffer_size() > size / 4
        for _ in range(20):
            await client.ask(server)
        assert len(heard.body) == held
        call.resume()
        await heard.over.wait()
        assert (heard.fault, len(heard.body)) == (None, size)


async def test_a_paused_call_can_still_be_cancelled(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        await peer.say(CHUNKED + b"2\r\nhi\r\n")
        await peer.leaves()

    async with Scripted(script) as server:
        call, heard = client.send(server)
        await heard.began.wait()
        call.pause()
        call.pause()
        call.cancel()
        call.resume()
        await server.peers[0].gone.wait()


async def test_a_half_closed_server_still_gets_its_answer_through(client: Client) -> None:
    async def script(peer: Peer) -> None:
        await peer.hear()
        peer.writer.write(OK)
        peer.writer.write_eof()
        await peer.leaves()

    async with Scripted(script) as server:
        for _ in range(3):
            heard = await client.ask(server)
            assert (heard.fault, heard.body) == (None, b"hi")
