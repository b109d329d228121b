"""Exact token counts, off the event loop, only where an estimate's error could change the decision.

A request that comes near the context window of a deployment waits for its count: an engine's own /tokenize, or tiktoken
in a thread. Where neither can say, or not in time, the estimate stands, and the log says why, once for each deployment.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import msgspec

from backends.contract.adapter import Incoming, Unsendable
from backends.contract.facts import Facts
from backends.contract.transport import Transport
from backends.request.tiktoken_counter import Encodings, Uncountable
from backends.request.tokenize import TOKENIZE, answer, asking
from backends.transports.http_get import FetchFailed, fetch
from gateway import clock
from gateway.config.tokenizers import folder
from policies.vocabulary.types import Deployment

if TYPE_CHECKING:
    from gateway.proxy.journey import Journey

LIMIT = 1.0  # seconds for a count
MOST = 32  # requests that are counted at once; others keep their estimate


class TokenCounts:
    """``tell``: where it is said why an estimate stands."""

    def __init__(self, transport: Transport, tell: Callable[[str], None], limit: float = LIMIT) -> None:
        self._transport = transport
        self._tell = tell
        self.limit = limit
        self._encodings = Encodings(folder())
        self._told: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._thread: ThreadPoolExecutor | None = None  # made when first needed
        self.counted = 0  # prompts
        self.kept = 0  # estimates that had to stand

    def begin(self, journey: "Journey", near: list[Deployment]) -> bool:
        """Count, and then let the journey go on; False: its estimate must do."""
        if not near:
            return False
        if not journey.family.countable or len(self._tasks) >= MOST:
            self.kept += 1
            return False
        task = asyncio.create_task(self._count(journey, near))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        journey.waits(task)
        return True

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _count(self, journey: "Journey", near: Iterable[Deployment]) -> None:
        incoming, exact = journey.incoming, dict[str, int]()
        places = {each.name: each for each in near}
        try:
            counts = await asyncio.gather(*(self._at(each, incoming, journey) for each in places.values()))
            exact = {name: tokens for name, tokens in zip(places, counts, strict=True) if tokens is not None}
        except Exception:  # the outermost frame of this task: a defect must not leave the journey waiting
            self._tell(traceback.format_exc())
        self.counted += bool(exact)
        self.kept += not exact
        incoming.request = request = msgspec.structs.replace(incoming.request, exact=exact)
        journey.waits(None)
        journey.outcome.began = now = clock.now()
        journey.guarded(journey.go, request, now)

    async def _at(self, deployment: Deployment, incoming: Incoming, journey: "Journey") -> int | None:
        try:
            async with asyncio.timeout(self.limit):
                if TOKENIZE.name in deployment.families:
                    return await self._by_engine(deployment, incoming, journey)
                if journey.catalog.config.deployments[deployment.name].provider.tiktoken:
                    return await self._by_tiktoken(deployment.model, incoming.facts)
        except (FetchFailed, Uncountable, Unsendable, TimeoutError) as error:
            self._say(deployment.name, str(error) or f"it took more than {self.limit:g} s")
            return None
        self._say(deployment.name, f"tokens cannot be counted for provider {deployment.provider}")
        return None

    async def _by_engine(self, deployment: Deployment, incoming: Incoming, journey: "Journey") -> int | None:
        """Any endpoint of its deployment counts alike: one that is up, and has the least to do."""
        there = journey.gateway.live.endpoints.by_deployment.get(deployment.name)
        if not there:
            raise Uncountable("it has no endpoint")
        place = min(there, key=lambda each: (each.load.down, each.load.in_flight))
        question = asking(incoming.request, incoming.facts, deployment.model)
        wire = journey.catalog.adapters[place.id].encode(question)
        reply = await fetch(self._transport, wire, self.limit)
        tokens = answer(*reply)
        if tokens is None:
            raise Uncountable(f"its /tokenize answered {reply[0]}")
        return tokens

    async def _by_tiktoken(self, model: str, facts: Facts) -> int:
        if self._thread is None:  # one, since each encoding takes a core while it is read
            self._thread = ThreadPoolExecutor(1, "tokens")
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._encodings.count, facts, model)

    def _say(self, deployment: str, why: str) -> None:
        if deployment not in self._told:
            self._told.add(deployment)
            self._tell(f"{deployment}: prompts near its context window are estimated: {why}")
