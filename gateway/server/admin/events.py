"""`/api/events`: the console's server-sent events, one a second."""

import asyncio
from contextlib import aclosing

from litestar import asgi
from litestar.types import Receive, Scope, Send

from gateway.reporting.event_stream import EventStream
from gateway.server.admin.guard import authorised

STUCK = 60.0  # seconds that a viewer may leave an event unread
_LINES = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-store"), (b"x-accel-buffering", b"no"))


@asgi("/api/events", guards=[authorised], copy_scope=False)
async def events(scope: Scope, receive: Receive, send: Send) -> None:
    await stream(scope["litestar_app"].state.events, receive, send)


async def stream(feed: EventStream, receive: Receive, send: Send, patience: float = STUCK) -> None:
    """Send events until the viewer leaves. Unread ones stay in the viewer's socket and delay nobody else.

    ``patience``: seconds that one event may stay unsent before the viewer is dropped.
    """
    full = feed.full
    await send({"type": "http.response.start", "status": 503 if full else 200, "headers": _LINES})
    gone = asyncio.create_task(_gone(receive))
    try:
        async with aclosing(feed.watch()) as events:
            async for event in events:
                if full or gone.done():
                    break
                async with asyncio.timeout(patience):
                    await send({"type": "http.response.body", "body": event, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})
    except TimeoutError:
        pass  # the server closes what was not finished
    finally:
        gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
