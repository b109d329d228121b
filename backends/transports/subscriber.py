"""A ZeroMQ subscriber on the event loop, bounded and never waited for.

ZeroMQ's own thread keeps the connection, and knocks on a file descriptor when there is news. What comes faster than it
is read is dropped beyond a bound; the sequence numbers in it tell.
"""

import asyncio
import struct
from typing import Protocol

import zmq

QUEUED = 10_000  # messages ZeroMQ keeps for us
AT_ONCE = 64  # messages read before others get their turn
LARGEST = 16 * 1024 * 1024  # bytes of a message; a publisher that sends more is cut off
ALIVE = 5_000  # milliseconds between heartbeats; three unanswered ones mean it is gone
EVENTS = zmq.Event.HANDSHAKE_SUCCEEDED | zmq.Event.DISCONNECTED


class Listener(Protocol):
    """Hears a publisher: up, then messages, then down, and again."""

    def up(self) -> None: ...
    def down(self) -> None: ...
    def received(self, frames: list[bytes]) -> None: ...


class Subscriptions:
    """ZeroMQ's context, and every subscriber in it."""

    def __init__(self) -> None:
        self._context = zmq.Context()

    def subscribe(self, address: str, listener: Listener) -> "Subscriber":
        """
        Raises:
            zmq.ZMQError: it is no address.
        """
        return Subscriber(self._context, address, listener)

    def close(self) -> None:
        self._context.destroy(linger=0)


class Subscriber:
    """One publisher's messages, of all topics."""

    def __init__(self, context: "zmq.Context[zmq.Socket[bytes]]", address: str, listener: Listener) -> None:
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._socket = context.socket(zmq.SUB)
        for option, value in (
            (zmq.RCVHWM, QUEUED),
            (zmq.MAXMSGSIZE, LARGEST),
            (zmq.IPV6, 1),
            (zmq.RECONNECT_IVL_MAX, 2_000),
            (zmq.HEARTBEAT_IVL, ALIVE),
            (zmq.HEARTBEAT_TIMEOUT, 3 * ALIVE),
        ):
            self._socket.setsockopt(option, value)
        self._socket.subscribe(b"")
        self._monitor = self._socket.get_monitor_socket(EVENTS)
        try:
            self._socket.connect(address)
        except zmq.ZMQError:
            self._end()
            raise
        self._fds = [self._socket.FD, self._monitor.FD]
        for fd in self._fds:
            self._loop.add_reader(fd, self._ready)
        self._closed = False
        self._loop.call_soon(self._ready)  # a knock before the reader was there is not repeated

    def close(self) -> None:
        self._closed = True
        for fd in self._fds:
            self._loop.remove_reader(fd)
        self._end()

    def _end(self) -> None:
        self._socket.disable_monitor()
        self._monitor.close(linger=0)
        self._socket.close(linger=0)

    def _ready(self) -> None:
        """There may be news; all of it is taken, since there will be no second knock for it."""
        if self._closed:
            return
        while (event := _take(self._monitor)) is not None:
            if struct.unpack("=hi", event[0])[0] == zmq.Event.DISCONNECTED:
                while _take(self._socket) is not None:
                    pass  # of a publisher that is gone
                self._listener.down()
            else:
                self._listener.up()
        for _ in range(AT_ONCE):
            frames = _take(self._socket)
            if frames is None:
                return
            self._listener.received(frames)
        self._loop.call_soon(self._ready)


def _take(socket: "zmq.Socket[bytes]") -> list[bytes] | None:
    """The next message that has arrived, or None."""
    try:
        return socket.recv_multipart(zmq.NOBLOCK)
    except zmq.Again:
        return None
