"""Mayhem. Rule: seeded; every engine of the pool is fair game, and what is broken is mended again."""

import asyncio
import random
import signal
from collections import Counter
from collections.abc import Awaitable, Callable

from bench.chaos.places import Engine, Gateway

FAULTS: tuple[dict[str, object], ...] = (
    {"kind": "cut", "after": 12, "times": 6},
    {"kind": "reset", "after": 5, "times": 6},
    {"kind": "stall", "after": 8, "times": 4},
    {"kind": "garbage", "after": 6, "times": 3},
    {"kind": "status", "status": 429, "headers": {"retry-after": "1"}, "times": 10},
    {"kind": "status", "status": 503, "times": 10},
    {"kind": "status", "status": 500, "times": 10},
    {"kind": "delay", "delay": 1.0, "times": 20},  # slowed
)


class Mayhem:
    """``done``: what was done, and how often."""

    def __init__(self, rng: random.Random, pool: list[Engine], gateway: Gateway) -> None:
        self._rng = rng
        self._pool = pool
        self._gateway = gateway
        self._away: set[Engine] = set()
        self.done: Counter[str] = Counter()

    async def run(self) -> None:
        """Until cancelled; mending is left to finish."""
        acts: list[tuple[Callable[[Engine], Awaitable[None]], int]] = [
            (self._kill, 3), (self._freeze, 2), (self._fault, 5), (self._reload, 1),
        ]  # fmt: skip
        mending: set[asyncio.Task[None]] = set()
        try:
            while True:
                await asyncio.sleep(self._rng.uniform(0.5, 2.5))
                present = [engine for engine in self._pool if engine not in self._away]
                if len(present) < 2:
                    continue
                act = self._rng.choices([act for act, _ in acts], [weight for _, weight in acts])[0]
                task = asyncio.ensure_future(act(self._rng.choice(present)))
                mending.add(task)
                task.add_done_callback(mending.discard)
        finally:
            await asyncio.gather(*mending)

    async def _kill(self, engine: Engine) -> None:
        self.done["kill -9"] += 1
        self._away.add(engine)
        engine.kill()
        await asyncio.sleep(self._rng.uniform(0.5, 4))
        engine.start()
        await engine.ready()
        self._away.discard(engine)

    async def _freeze(self, engine: Engine) -> None:
        self.done["SIGSTOP"] += 1
        self._away.add(engine)
        engine.signal(signal.SIGSTOP)
        await asyncio.sleep(self._rng.uniform(1, 5))
        engine.signal(signal.SIGCONT)
        self._away.discard(engine)

    async def _fault(self, engine: Engine) -> None:
        fault = self._rng.choice(FAULTS)
        self.done[f"fault {fault.get('status', fault['kind'])}"] += 1
        await engine.arm(fault)

    async def _reload(self, engine: Engine) -> None:
        self.done["reload"] += 1
        self._gateway.reload()
