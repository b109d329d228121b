"""A hold: a request waits for something that is not its upstream's answer: a free endpoint, a token count, a pause.

Rule: it ends once: what was waited for is here, its time is up, or its request is over.
"""

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import TypeVar

Result = TypeVar("Result")
Guard = Callable[..., None]  # calls a function, and answers for its defects


class Hold:
    """``late`` is called after ``seconds``; ``cancel`` stops what works on it, then and when the request is over."""

    __slots__ = ("_cancel", "_guard", "_late", "_timer")

    def __init__(
        self, guard: Guard, seconds: float, late: Callable[[], None], cancel: Callable[[], object] | None = None
    ) -> None:
        self._guard = guard
        self._late: Callable[[], None] | None = late
        self._cancel = cancel
        self._timer = asyncio.get_running_loop().call_later(seconds, self._expire)

    def run(self, work: Awaitable[Result], then: Callable[[Result], None]) -> None:
        """Wait for ``work``; ``then`` gets its result, if it is done in time."""
        task = asyncio.ensure_future(work)
        self._cancel = task.cancel
        task.add_done_callback(partial(self._done, then))

    def end(self) -> bool:
        """What was waited for is here; False: the hold was over already."""
        if self._late is None:
            return False
        self._timer.cancel()
        self._late = self._cancel = None  # they hold the request, which holds this
        return True

    def cancel(self) -> None:
        """The request waits no longer."""
        cancel = self._cancel
        if self.end() and cancel is not None:
            cancel()

    def _done(self, then: Callable[[Result], None], task: asyncio.Future[Result]) -> None:
        if not task.cancelled() and self.end():
            self._guard(lambda: then(task.result()))

    def _expire(self) -> None:
        late = self._late
        self.cancel()
        if late is not None:
            self._guard(late)
