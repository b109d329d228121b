"""The KV-event listener: subscribes to every engine whose deployment names an address. It writes live state only.

Beside the events runs what makes them useful: the tokens of prompts that were sent are asked of the engine that got
them, after they are sent and never before, so no request waits for it.
"""

import asyncio
import traceback
from collections.abc import Mapping
from typing import TYPE_CHECKING

from backends.contract.adapter import Adapter, Unsendable
from backends.contract.transport import Transport
from backends.request.tokenize import asking, salt, tokens
from backends.transports.http_get import FetchFailed, fetch
from backends.vllm.kv_events import Garbage, decode
from gateway.catalog.catalog import Catalog
from gateway.recording.log import Log
from gateway.state.prompt_caches import PromptCaches, TokenizeJob
from policies.learning.prefix import token_blocks

if TYPE_CHECKING:
    from backends.transports.subscriber import Subscriptions

Id = tuple[str, str]

AT_ONCE = 4  # prompts whose tokens are being asked for
TIMEOUT = 10.0  # seconds for an answer
LOOK = 1.0  # seconds between looks at what has become of the sources
GRACE = 5  # looks before a source that never was there is missed


class Source:
    """What is heard of one engine. ``said``: the state that was logged last."""

    def __init__(self, id: Id, place: str, caches: PromptCaches, subscriptions: "Subscriptions") -> None:
        self.id, self.place, self.said, self.looks = id, place, "", 0
        self._caches = caches
        self._subscriber = subscriptions.subscribe(place, self)

    def up(self) -> None:
        self._caches.connected(self.id, True)

    def down(self) -> None:
        self._caches.connected(self.id, False)

    def heard(self, frames: list[bytes]) -> None:
        try:
            self._caches.told(self.id, decode(frames))
        except Garbage:
            self._caches.garbled(self.id)

    def close(self) -> None:
        self._subscriber.close()
        self.down()


class KvEvents:
    """Keeps one source for each endpoint of the current catalog."""

    def __init__(self, transport: Transport, caches: PromptCaches, log: Log) -> None:
        self._transport = transport
        self._caches = caches
        self._log = log
        self._subscriptions: Subscriptions | None = None
        self._sources: dict[Id, Source] = {}
        self._adapters: Mapping[Id, Adapter] = {}
        self._complained: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []
        self._woken = asyncio.Event()
        caches.wake = self._woken.set

    def follow(self, catalog: Catalog) -> None:
        """Listen to what this catalog names, and to nothing else; what stays is not interrupted."""
        self._adapters = catalog.adapters
        places = {
            (name, endpoint): place
            for name, deployment in catalog.config.deployments.items()
            for endpoint, place in zip(deployment.endpoints, deployment.publishers, strict=False)
            if (name, endpoint) in self._caches.of
        }
        for id, source in list(self._sources.items()):
            if places.get(id) != source.place:
                self._sources.pop(id).close()
        for id, place in places.items():
            if id not in self._sources:
                self._sources[id] = Source(id, place, self._caches, self._sockets())
        if places and not self._tasks:
            self._tasks = [asyncio.create_task(self._learn()) for _ in range(AT_ONCE)]
            self._tasks.append(asyncio.create_task(self._look()))

    def _sockets(self) -> "Subscriptions":
        from backends.transports.subscriber import Subscriptions  # needs pyzmq, which nothing else does

        self._subscriptions = self._subscriptions or Subscriptions()
        return self._subscriptions

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for source in self._sources.values():
            source.close()
        if self._subscriptions is not None:
            self._subscriptions.close()

    async def _look(self) -> None:
        """A source that is lost, or comes back, is worth a line."""
        while True:
            await asyncio.sleep(LOOK)
            for source in self._sources.values():
                if source.id not in self._caches.of:  # a reload is dropping it
                    continue
                source.looks += 1
                state = self._caches.mirror(source.id).state
                if state != source.said and (state != "missing" or source.said or source.looks > GRACE):
                    source.said = state
                    level = "info" if state in ("live", "partial") else "warning"
                    self._log.event(level, "kv_events", f"{source.id[0]} at {source.id[1]}: {SAID[state]}")

    async def _learn(self) -> None:
        while True:
            wanted = self._caches.wanted()
            if wanted is None:
                self._woken.clear()
                await self._woken.wait()
                continue
            try:
                names = await self._ask(wanted)
            except (FetchFailed, Unsendable, LookupError, ValueError) as error:  # LookupError: a reload dropped it
                self._caches.unlearned(wanted)
                self._complain(wanted.candidate.deployment.name, error)
            except Exception:  # the outermost frame of this task: a defect must not end the learning
                self._log.event("error", "defect", traceback.format_exc())
            else:
                self._caches.learned(wanted, names)

    def _complain(self, deployment: str, error: Exception) -> None:
        """Once: what cannot be asked now will hardly be answered later."""
        if deployment not in self._complained:
            self._complained.add(deployment)
            why = f"{deployment} does not tell a prompt's tokens, so its caches are guessed: {error}"
            self._log.event("warning", "kv_events", why)

    async def _ask(self, wanted: TokenizeJob) -> tuple[int, ...]:
        """The token blocks of a prompt.

        Raises:
            FetchFailed, Unsendable: its engine cannot be asked.
            ValueError: it does not say.
        """
        place = wanted.candidate
        wire = self._adapters[place.id].encode(asking(wanted.request, wanted.facts, place.deployment.model))
        status, answer = await fetch(self._transport, wire, TIMEOUT)
        if status != 200:
            raise ValueError(f"/tokenize answers {status}")
        return await asyncio.to_thread(_names, wanted, answer)


def _names(wanted: TokenizeJob, answer: bytes) -> tuple[int, ...]:
    """Off the event loop: a long prompt's take milliseconds."""
    return token_blocks.names(tokens(answer), wanted.size, wanted.adapter, salt(wanted.facts))


SAID = {
    "live": "its cache events are heard, and tell all of its cache",
    "partial": "its cache events are heard, but not from the first on; what they do not tell is guessed",
    "missing": "no cache events: nothing answers at kv_events; its cache is guessed from what it was sent",
    "silent": "no cache events come though it works (--kv-events-config, kv_events); its cache is guessed",
}
