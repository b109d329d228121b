"""Exact token counts, off the event loop, only where an estimate's error could change the decision.

A request that comes near the context window of a deployment is held for its count: an engine's own /tokenize, or
tiktoken in a thread. Where neither can say, or not in time, the estimate stands, and the log says why, once for each
deployment.
"""

import asyncio
import traceback
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import msgspec

from backends.contract.adapter import Unsendable
from backends.contract.facts import Facts
from backends.contract.transport import Transport
from backends.request.tiktoken_counter import Encodings, Uncountable
from backends.request.tokenize import TOKENIZE, answer, asking
from backends.transports.http_get import FetchFailed, fetch
from gateway.catalog.stages import GO_ON, Decision, GoOn, HoldUntil, Passing, Stage
from gateway.config.schema import Config
from gateway.config.tokenizers import folder
from gateway.state.live_state import LiveState
from policies.selection.filters import FitsContext
from policies.selection.model import Model
from policies.vocabulary.types import Deployment, Request

LIMIT = 1.0  # seconds for a count
MOST = 32  # requests that are counted at once; others keep their estimate


class TokenCounts(Stage):
    """``report``: where it is said why an estimate stands. ``counted``: prompts; ``kept``: estimates that stood."""

    def __init__(
        self, live: LiveState, transport: Transport, report: Callable[[str], None], limit: float = LIMIT
    ) -> None:
        self._live = live
        self._transport = transport
        self._report = report
        self.limit = limit
        self._encodings = Encodings(folder())
        self._reported: set[str] = set()
        self._tasks: set[asyncio.Future[Decision]] = set()
        self._thread: ThreadPoolExecutor | None = None  # made when first needed
        self.counted = 0
        self.kept = 0

    def serves(self, config: Config, model: Model) -> bool:
        fits = any(isinstance(each, FitsContext) for each in model.policy.filters)
        return fits and any(each.context_window is not None for each in model.deployments)

    def before(self, passing: Passing) -> Decision:
        near = self._live.estimates.uncertain(passing.incoming.request, passing.model)
        if not near:
            return GO_ON
        if not passing.incoming.facts.family.countable or len(self._tasks) >= MOST:
            self.kept += 1
            return GO_ON
        exact: dict[str, int] = {}
        late = partial(self._known, passing.incoming.request, near, exact)
        task = asyncio.ensure_future(self._count(passing, near, exact))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return HoldUntil("token_count", task, self.limit, late)

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _count(self, passing: Passing, near: list[Deployment], exact: dict[str, int]) -> Decision:
        try:
            await asyncio.gather(*(self._at(deployment, passing, exact) for deployment in near))
        except Exception:  # a defect must not cost the request more than its count
            self._report(traceback.format_exc())
        return self._known(passing.incoming.request, (), exact)

    def _known(self, request: Request, late: Iterable[Deployment], exact: dict[str, int]) -> GoOn:
        """Go on with what was counted. ``late``: of which it was to be counted, when the time for it is up."""
        for deployment in late:
            if deployment.name not in exact:
                self._say(deployment.name, f"it took more than {self.limit:g} s")
        self.counted += bool(exact)
        self.kept += not exact
        return GoOn(msgspec.structs.replace(request, exact=exact))

    async def _at(self, deployment: Deployment, passing: Passing, exact: dict[str, int]) -> None:
        try:
            if TOKENIZE.name in deployment.families:
                exact[deployment.name] = await self._by_engine(deployment, passing)
            elif passing.config.deployments[deployment.name].provider.tiktoken:
                exact[deployment.name] = await self._by_tiktoken(deployment.model, passing.incoming.facts)
            else:
                self._say(deployment.name, f"tokens cannot be counted for provider {deployment.provider}")
        except (FetchFailed, Uncountable, Unsendable) as error:
            self._say(deployment.name, str(error))

    async def _by_engine(self, deployment: Deployment, passing: Passing) -> int:
        """Any endpoint of its deployment counts alike: one that is up, and has the least to do."""
        alike = self._live.endpoints.by_deployment.get(deployment.name)
        if not alike:
            raise Uncountable("it has no endpoint")
        free = min(alike, key=lambda each: (each.load.down, each.load.in_flight))
        question = asking(passing.incoming.request, passing.incoming.facts, deployment.model)
        wire = passing.adapters[free.id].encode(question)
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
        if deployment not in self._reported:
            self._reported.add(deployment)
            self._report(f"{deployment}: prompts near its context window are estimated: {why}")
