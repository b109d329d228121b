"""Heads that come again: what is known of them, and what is not taken for one."""

import random

import pytest

from backends.transports.heads import head
from tests.backends.transports.client import Client
from tests.scripted import Peer, Scripted

HEAD = b"POST / HTTP/1.1\r\nhost: h\r\nContent-Length: %b\r\naccept: */*\r\n\r\n"


@pytest.mark.parametrize("digits", [b"1", b"007", b"12345678"])
def test_a_head_is_known_again_by_all_but_its_length(digits: bytes) -> None:
    known = head(HEAD % b"12" + b"the body", 3)
    assert known is not None
    at = known.body_at(HEAD % digits + b"another")
    assert (at, known.length) == (len(HEAD % digits), int(digits))


@pytest.mark.parametrize(
    "other",
    [
        b"",
        HEAD[:20],
        HEAD % b"",
        HEAD % b"-1",
        HEAD % b"+1",
        HEAD % b"1_0",
        HEAD % b"0x1",
        HEAD % b" 1",
        HEAD % b"1 ",
        HEAD % b"1, 1",
        HEAD % b"12345678901",
        HEAD % "²".encode(),
        (HEAD % b"12").replace(b"host: h", b"host: g"),
        (HEAD % b"12").replace(b"*/*", b"*"),
        (HEAD % b"12").replace(b"Content", b"content"),
        (HEAD % b"12").replace(b"\r\n\r\n", b"\r\nx: y\r\n\r\n"),
        (HEAD % b"12")[:-1],
        b"\r\n" + HEAD % b"12",
    ],
)
def test_any_other_head_is_not(other: bytes) -> None:
    known = head(HEAD % b"12", 3)
    assert known is not None and known.body_at(other) == 0


@pytest.mark.parametrize(
    ("packet", "lines"),
    [
        (b"POST / HTTP/1.1\r\nhost: h\r\n\r\n", 1),  # no length
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n", 2),  # not all of it
        (b"POST / HTTP/1.1\nhost: h\ncontent-length: 1\n\na\r\n\r\n", 2),  # a body that looks like the head's end
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\nx: a\n b\r\n\r\n", 3),
        (b"POST / HTTP/1.1\r\nx: \r\n content-length: 1\r\n\r\n", 1),
        (b"POST / HTTP/1.1\r\nhost: h\r\ncontent-length: 1\r\n\r\n", 1),  # a parser that found something else in it
    ],
)
def test_what_is_read_in_more_than_one_way_is_not_learned(packet: bytes, lines: int) -> None:
    assert head(packet, lines) is None


OK = b"HTTP/1.1 200 OK\r\ndate: %b\r\ncontent-length: %d\r\ncontent-type: application/json\r\n\r\n%b"


@pytest.mark.parametrize("seed", range(5))
async def test_an_answer_is_the_same_whatever_came_before_it(seed: int, client: Client) -> None:
    """One kept connection and its memory, answers of every kind and cut."""
    draw = random.Random(seed)
    answers = []
    for _ in range(60):
        body = draw.choice([b"{}", b"x" * draw.randint(1, 300), b""])
        date = draw.choice([b"now", b"now", b"then"])
        more = draw.choice([b"", b"", b"x-more: 1\r\n", b"set-cookie: a\r\nset-cookie: b\r\n"])
        answers.append((more, OK.replace(b"\r\n", b"\r\n" + more, 1) % (date, len(body), body), body))

    async def script(peer: Peer) -> None:
        for _, reply, _ in answers:
            await peer.hear()
            cut = draw.choice([len(reply), len(reply), reply.index(b"\r\n\r\n") + 4, draw.randint(1, len(reply))])
            for part in (reply[:cut], reply[cut:]):
                await peer.say(part)

    async with Scripted(script) as server:
        for more, _, body in answers:
            heard = await client.ask(server)
            assert (heard.status, heard.body) == (200, body)
            assert (b"x-more" in heard.headers, b"set-cookie" in heard.headers) == (b"more" in more, b"cook" in more)
        assert len(server.peers) == 1
