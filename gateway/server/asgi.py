"""The ASGI listener: the journey over ASGI messages, for any server, behind Litestar. It only parses and writes."""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Any

from backends.contract.families import Family
from gateway import clock
from gateway.catalog.keys import Caller
from gateway.proxy.admission import begin, over_limit
from gateway.proxy.context import Gateway
from gateway.proxy.journey import Journey
from gateway.proxy.request_head import RequestHead
from gateway.proxy.response_writer import Flow

Message = dict[str, Any]
Scope = Any  # the mapping ASGI defines
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]

HIGH_WATER = 64 * 1024  # bytes waiting for a slow client, above which the upstream is paused


class AsgiAnswer:
    """An Answer that becomes ASGI messages."""

    def __init__(self) -> None:
        self.flow: Flow | None = None
        self._messages: deque[Message] = deque()
        self._news = asyncio.Event()
        self._over = False
        self._waiting = 0
        self._paused = False

    def whole(self, status: int, lines: bytes, body: bytes) -> None:
        self._head(status, lines + b"content-length: %d\r\n" % len(body))
        self._body(body, more=False)

    def start(self, status: int, lines: bytes, first: bytes) -> None:
        self._head(status, lines)
        self._body(first, more=True)

    def write(self, data: bytes) -> None:
        self._body(data, more=True)

    def end(self) -> None:
        self._body(b"", more=False)

    def abort(self) -> None:
        """ASGI has no word for it: a response that is never completed makes the server cut the connection."""
        self._over = True
        self._news.set()

    def _head(self, status: int, lines: bytes) -> None:
        pairs = [line.split(b": ", 1) for line in lines.split(b"\r\n") if line]
        self._messages.append({"type": "http.response.start", "status": status, "headers": pairs})

    def _body(self, data: bytes, *, more: bool) -> None:
        self._messages.append({"type": "http.response.body", "body": data, "more_body": more})
        self._waiting += len(data)
        if self.flow is not None and not self._paused and self._waiting > HIGH_WATER:
            self._paused = True
            self.flow.pause()
        self._over = self._over or not more
        self._news.set()

    async def relay(self, send: Send) -> None:
        """Send messages as they come, at the client's pace, until the last."""
        while self._messages or not self._over:
            if not self._messages:
                self._news.clear()
                await self._news.wait()
                continue
            message = self._messages.popleft()
            await send(message)
            self._waiting -= len(message.get("body", b""))
            if self._paused and self._waiting <= HIGH_WATER // 2 and self.flow is not None:
                self._paused = False
                self.flow.resume()


async def serve(gateway: Gateway, family: Family, scope: Scope, receive: Receive, send: Send) -> None:
    """One request through this door."""
    client = scope.get("client")
    answer = AsgiAnswer()
    caller = Caller(client[0] if client else "")
    journey = begin(gateway, RequestHead(family, dict(scope["headers"])), caller, answer, clock.now())
    waiting: list[asyncio.Future[None]] = []
    try:
        body = await _body(journey, receive)
        if body is None:
            return
        if not journey.outcome.finished:  # else it was stopped, and told so
            journey.run(body, clock.now())
        waiting = [asyncio.ensure_future(answer.relay(send)), asyncio.ensure_future(_left(receive))]
        done, _ = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        for each in done:
            each.result()
    finally:
        for each in waiting:
            each.cancel()
        journey.leave()


async def _body(journey: Journey, receive: Receive) -> bytes | None:
    """The whole body; what is refused is not kept; None: the client left."""
    parts: list[bytes] = []
    size = 0
    more = True
    while more and not (journey.refused is not None and journey.refused.status == 413):
        message = await receive()
        if message["type"] == "http.disconnect":
            return None
        data = message.get("body", b"")
        size += len(data)
        more = message.get("more_body", False)
        if journey.refused is None and not over_limit(journey, size):
            parts.append(data)
    return b"".join(parts)


async def _left(receive: Receive) -> None:
    """Returns when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
