"""The pooled transport: HTTP/1.1 over kept-alive connections, plain and TLS.

A request that meets a connection the server has just closed (nothing of an answer came) is sent once more on a new one:
that race is the pool's own, not a failure of the upstream. Nothing else is retried here.
"""

# compiled

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import Callable
from functools import partial

from backends.contract.adapter import Origin, Wire
from backends.contract.transport import Receiver
from backends.transports.connection import Connection
from backends.transports.heads import Answers
from policies.vocabulary.failure import Failure, Fault

IDLE_PLAIN = 4.0  # seconds; under the 5 s after which uvicorn (vLLM's server) closes an idle connection
IDLE_TLS = 55.0  # clouds keep connections for a minute or more, and a TLS handshake costs round trips
SWEEP = 1.0


class Server:
    """What is kept of one origin: the idle connections, the last used at the end, and what its answers are like."""

    __slots__ = ("_clock", "_max_idle", "idle", "known")

    def __init__(self, max_idle: int, clock: Callable[[], float]) -> None:
        self._max_idle = max_idle
        self._clock = clock
        self.idle: deque[Connection] = deque()
        self.known = Answers()

    def keep(self, connection: Connection) -> None:
        """Keep a connection for the next request."""
        if len(self.idle) < self._max_idle:
            connection.idle_since = self._clock()
            self.idle.append(connection)
        else:
            connection.close()


class Pooled:
    """Pools connections by origin. ``max_idle`` is per origin."""

    def __init__(self, max_idle: int = 1024, ssl_context: ssl.SSLContext | None = None) -> None:
        self._loop = asyncio.get_running_loop()
        self._ssl = ssl_context
        self._servers: defaultdict[Origin, Server] = defaultdict(partial(Server, max_idle, self._loop.time))
        self._sweeper = self._loop.call_later(SWEEP, self._sweep)

    def send(self, wire: Wire, receiver: Receiver) -> "Call":
        server = self._servers[wire.origin]
        call = Call(self, server, wire, receiver)
        idle = server.idle
        while idle:
            connection = idle.pop()  # the last one used, since it is the likeliest to be alive
            transport = connection.transport
            if transport is not None and not transport.is_closing():
                call.write(connection)
                return call
        call.dial()
        return call

    def give(self, origin: Origin, connection: Connection) -> None:
        """Keep a connection that was made elsewhere."""
        self._servers[origin].keep(connection)

    async def connect(self, origin: Origin) -> Connection:
        """A new connection.

        Raises:
            OSError: refused, unresolvable, or TLS failed.
        """
        known = self._servers[origin].known
        _, connection = await self._loop.create_connection(
            lambda: Connection(known), origin.host, origin.port, ssl=self._context() if origin.tls else None
        )
        return connection

    def _context(self) -> ssl.SSLContext:
        if self._ssl is None:
            self._ssl = ssl.create_default_context()
        return self._ssl

    def _sweep(self) -> None:
        now = self._loop.time()
        for origin, server in self._servers.items():
            idle, limit = server.idle, IDLE_TLS if origin.tls else IDLE_PLAIN
            while idle and (not idle[0].usable or now - idle[0].idle_since > limit):
                idle.popleft().close()
        self._sweeper = self._loop.call_later(SWEEP, self._sweep)

    async def close(self) -> None:
        self._sweeper.cancel()
        for server in self._servers.values():
            for connection in server.idle:
                connection.close()
            server.idle.clear()


class Call:
    """One wire request: on an idle connection in the same tick, else on a new one."""

    __slots__ = ("_connecting", "_connection", "_fresh", "_pool", "_receiver", "_server", "_wire")

    def __init__(self, pool: Pooled, server: Server, wire: Wire, receiver: Receiver) -> None:
        self._pool = pool
        self._server = server
        self._wire = wire
        self._receiver: Receiver | None = receiver
        self._connection: Connection | None = None
        self._connecting: asyncio.Task[None] | None = None
        self._fresh = False

    def cancel(self) -> None:
        self._receiver = None
        if self._connecting is not None:
            self._connecting.cancel()
        if self._connection is not None:
            self._connection.abort()

    def pause(self) -> None:
        if self._connection is not None:
            self._connection.pause()

    def resume(self) -> None:
        if self._connection is not None:
            self._connection.resume()

    def dial(self) -> None:
        self._fresh = True
        self._connecting = asyncio.ensure_future(self._connect())

    async def _connect(self) -> None:
        origin = self._wire.origin
        try:
            connection = await self._pool.connect(origin)
        except (OSError, UnicodeError) as error:  # UnicodeError: a host name DNS could not carry
            if self._receiver is not None:
                reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                self._receiver.lost(Fault(Failure.UNREACHABLE, f"cannot connect: {reason}"))
            return
        finally:
            self._connecting = None
        if self._receiver is None:
            connection.close()
        else:
            self.write(connection)

    def write(self, connection: Connection) -> None:
        assert self._receiver is not None
        self._connection = connection
        connection.request(self._wire, self._receiver, self)
        self._receiver.sent()

    def finished(self, reusable: bool) -> None:
        """The connection has delivered a whole answer."""
        connection, self._connection = self._connection, None
        self._receiver = None  # which holds this call: a cycle would be left to the garbage collector
        if connection is None:
            return
        if reusable:
            self._server.keep(connection)
        else:
            connection.close()

    def lost(self, fault: Fault, answered: bool) -> None:
        """The connection died. ``answered``: some of an answer had come."""
        self._connection = None
        if self._receiver is None:
            return
        if not answered and not self._fresh:
            self.dial()
        else:
            receiver, self._receiver = self._receiver, None
            receiver.lost(fault)
