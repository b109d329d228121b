"""The engine's cache events over a real socket: whoever hears all of them knows its cache."""

from collections.abc import Iterator

import msgspec
import pytest
import zmq
from hypothesis import given, settings
from hypothesis import strategies as st

from backends.engine.cache_events import Cleared, News, Removed, Stored
from backends.engine.profile import Profile
from backends.engine.publisher import Publisher
from backends.engine.replica import Replica
from backends.engine.sequence import Work
from backends.engine.text import block_keys, encode
from backends.vllm.kv_events import Batch, decode
from policies.learning.prefix import token_blocks
from policies.learning.prefix.engine_cache import Mirror
from policies.learning.prefix.holders import Holders

SIZE = 2  # tokens of a block
ID = ("pool", "http://a")


def work(text: bytes, prompt: int, salt: str = "") -> Work:
    """A prompt of so many tokens; the rest of the text is its answer."""
    return Work(prompt, len(text) // 4 - prompt, block_keys(text, SIZE, salt), data=text, salt=salt)


class Heard:
    """A publisher, and somebody who hears everything it says."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]") -> None:
        self.news: list[News] = []
        self.publisher = Publisher("tcp://127.0.0.1:*", SIZE, self.news)
        self.socket = context.socket(zmq.SUB)
        self.socket.subscribe(b"")
        monitor = self.socket.get_monitor_socket(zmq.Event.HANDSHAKE_SUCCEEDED)
        self.socket.connect(self.publisher.bound)
        monitor.recv_multipart()
        self.socket.disable_monitor()
        monitor.close(linger=0)
        first = False
        while not first:  # its subscription arrives some time after its handshake
            self.publisher._socket.send_multipart((b"hello",))
            first = bool(self.socket.poll(20))
        while self.socket.poll(50):
            self.socket.recv_multipart()

    def batch(self) -> Batch:
        self.publisher.publish()
        assert self.socket.poll(10_000)
        return decode(self.socket.recv_multipart())


@pytest.fixture
def heard() -> Iterator[Heard]:
    context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
    heard = Heard(context)
    yield heard
    heard.publisher.close()
    context.destroy(linger=0)


def test_neighbouring_blocks_of_one_prompt_are_one_event(heard: Heard) -> None:
    text = b"once upon a time there was a cat"
    told = work(text, 8, salt="team-a")
    heard.news += [Stored(told, 0), Stored(told, 1), Removed(99), Stored(told, 3), Cleared()]
    batch = heard.batch()
    assert batch.seq == 0
    first, removed, last, cleared = batch.events
    assert (first.hashes, first.parent, first.extras) == (told.keys[:2], None, [["team-a"], []])
    assert first.tokens == encode(text[:16])
    assert removed.hashes == [99]
    assert (last.hashes, last.parent, last.extras) == (told.keys[3:4], told.keys[2], [[]])
    assert type(cleared).__name__ == "Cleared"
    heard.news.append(Cleared())
    assert heard.batch().seq == 1


def test_no_news_are_no_message(heard: Heard) -> None:
    heard.publisher.publish()
    heard.news.append(Cleared())
    assert heard.batch().seq == 0


def test_it_is_written_as_vllm_writes_it(heard: Heard) -> None:
    told = work(b"abcdefgh", 2)
    heard.news.append(Stored(told, 0))
    heard.publisher.publish()
    topic, seq, payload = heard.socket.recv_multipart()
    time, events, rank = msgspec.msgpack.decode(payload)
    assert (topic, seq, rank) == (b"", bytes(8), 0)
    assert isinstance(time, float)
    assert events[0]["type"] == "BlockStored"
    assert events[0]["block_size"] == SIZE


def test_an_address_that_cannot_be_had_is_said(heard: Heard) -> None:
    with pytest.raises(OSError, match="cannot publish cache events at"):
        Publisher(heard.publisher.bound, SIZE, [])


def events(news: list[News]) -> Iterator[object]:
    """News as a listener reads them, through the wire format but for the wire."""
    publisher = Publisher.__new__(Publisher)
    publisher._news, publisher._size = news, SIZE
    batch = msgspec.msgpack.encode((1.0, [*publisher._events()], 0))
    yield from decode([b"", bytes(8), batch]).events
    news.clear()


letters = st.lists(st.sampled_from([b"aaaa", b"bbbb"]), min_size=3, max_size=14)
steps = st.lists(st.one_of(st.tuples(letters, st.integers(1, 3)), st.sampled_from(["abort", "sleep"])), max_size=25)


@settings(max_examples=200, deadline=None)
@given(steps, st.integers(8, 24))
def test_whatever_an_engine_does_its_events_tell_its_cache(happened: list[object], blocks: int) -> None:
    replica = Replica(Profile(block_size=SIZE, num_blocks=blocks, max_num_seqs=4, max_num_batched_tokens=8))
    replica.cache.news = news = []
    mirror, now, under_way = Mirror(ID, Holders(), up=True, size=SIZE, whole=True), 0.0, []
    prompts: set[bytes] = set()
    for each in happened:
        if each == "abort" and under_way:
            replica.abort(under_way.pop())
        elif each == "sleep":
            replica.sleep()
            replica.wake(now)
        elif isinstance(each, tuple):
            text, answer = b"".join(each[0]), min(each[1], len(each[0]) - 1)
            under_way.append(replica.submit(work(text, len(each[0]) - answer), now))
            prompts.add(text)
        now += 0.5
        replica.advance(now)
        for event in events(news):
            hear(mirror, event)
        cache = replica.cache
        assert set(mirror.names) == set(cache._holders) | set(cache._idle)
        assert mirror.state == "live"
    for text in prompts:
        ours = token_blocks.names(encode(text), SIZE)
        held = replica.cache.match(block_keys(text, SIZE), len(ours))
        assert mirror.holders.match(ours, len(ours)).get(ID, 0) == held


def hear(mirror: Mirror, event: object) -> None:
    match type(event).__name__:
        case "Stored":
            mirror.stored(event.hashes, event.parent, event.tokens, "", [""] * len(event.hashes))
        case "Removed":
            mirror.removed(event.hashes)
        case _:
            mirror.clear()
