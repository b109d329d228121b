"""The subscriber over real sockets: messages in order, comings and goings, and never a wait."""

import asyncio
from collections.abc import AsyncIterator

import pytest
import zmq

from backends.transports.subscriber import AT_ONCE, Subscriptions
from tests.contracts.serving import until
from tests.publisher import Publisher


class Ear:
    """Keeps what it hears."""

    def __init__(self) -> None:
        self.said: list[str | bytes] = []

    def up(self) -> None:
        self.said.append("up")

    def down(self) -> None:
        self.said.append("down")

    def received(self, frames: list[bytes]) -> None:
        self.said.append(b"|".join(frames))


@pytest.fixture
async def subscriptions() -> AsyncIterator[Subscriptions]:
    subscriptions = Subscriptions()
    yield subscriptions
    subscriptions.close()


async def test_messages_come_in_order_and_whole(subscriptions: Subscriptions) -> None:
    ear, publisher = Ear(), Publisher()
    subscriber = subscriptions.subscribe(publisher.place, ear)
    await publisher.subscribed()
    count = 5 * AT_ONCE
    for number in range(count):
        publisher.say(b"topic", b"%d" % number, b"x" * 1000)
    await until(lambda: len(ear.said) == count + 1)
    assert ear.said[0] == "up"
    assert ear.said[1:] == [b"topic|%d|%b" % (number, b"x" * 1000) for number in range(count)]
    subscriber.close()
    publisher.close()


async def test_a_publisher_that_goes_and_comes_back_is_told(subscriptions: Subscriptions) -> None:
    ear, publisher = Ear(), Publisher()
    subscriber = subscriptions.subscribe(publisher.place, ear)
    await publisher.subscribed()
    publisher.close()
    await until(lambda: ear.said == ["up", "down"])
    again = Publisher(publisher.place)
    await again.subscribed()
    again.say(b"back")
    await until(lambda: ear.said == ["up", "down", "up", b"back"])
    subscriber.close()
    again.close()


async def test_one_that_is_not_there_yet_is_found_when_it_comes(subscriptions: Subscriptions) -> None:
    first = Publisher()
    place = first.place
    first.close()
    ear = Ear()
    subscriber = subscriptions.subscribe(place, ear)
    publisher = Publisher(place)
    await publisher.subscribed()
    await until(lambda: ear.said == ["up"])
    subscriber.close()
    publisher.close()


async def test_a_server_that_speaks_otherwise_is_never_up(subscriptions: Subscriptions) -> None:
    ear, called = Ear(), asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await reader.read(64)
        writer.close()
        called.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    subscriber = subscriptions.subscribe(f"tcp://127.0.0.1:{port}", ear)
    await called.wait()
    called.clear()
    await called.wait()  # it tries again
    assert "up" not in ear.said
    subscriber.close()
    server.close()


async def test_a_closed_one_hears_nothing_more(subscriptions: Subscriptions) -> None:
    ear, publisher = Ear(), Publisher()
    subscriber = subscriptions.subscribe(publisher.place, ear)
    await publisher.subscribed()
    publisher.say(b"one")
    subscriber.close()
    other = Ear()
    second = subscriptions.subscribe(publisher.place, other)
    await publisher.subscribed()
    publisher.say(b"two")
    await until(lambda: other.said == ["up", b"two"])
    assert b"two" not in ear.said
    second.close()
    publisher.close()


async def test_an_address_that_is_none_is_refused(subscriptions: Subscriptions) -> None:
    with pytest.raises(zmq.ZMQError):
        subscriptions.subscribe("nonsense", Ear())
