"""The chaos soak. Rule: whatever happens to the engines, no client sees a failure before its first token, none is lied
to, nothing leaks, and every reported token is accounted for.

    python -m bench.chaos --minutes 10 --clients 200 --seed 1        exit 1 when any of that does not hold
"""

import argparse
import asyncio
import contextlib
import random
import statistics
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from bench.chaos.account import Account, account
from bench.chaos.client import Told, asking, tell
from bench.chaos.mayhem import Mayhem
from bench.chaos.places import Engine, Gateway

ENGINES = 4
SETTLING = 120.0  # seconds until bounded stores are taken as full
IN_FLIGHT = ("_in_flight", "_in_flight_tokens")  # what gauges of it end in
QUIET = 20.0  # seconds after the last request in which everything must have been let go


class Soak:
    def __init__(self, directory: Path, clients: int, seed: int) -> None:
        self.rng = random.Random(seed)
        self.clients = clients
        self.pool = [Engine(directory, f"engine-{number}") for number in range(ENGINES)]
        self.cloud = Engine(directory, "cloud")
        self.gateway = Gateway(directory, self.pool, self.cloud)
        self.told: list[Told] = []
        self.rss: list[tuple[float, float]] = []
        self.mayhem = Mayhem(random.Random(seed + 1), self.pool, self.gateway)
        self._count = 0

    async def run(self, minutes: float) -> dict[str, float]:
        """Everything, for so long; what had not been let go of at the end."""
        for engine in (*self.pool, self.cloud):
            engine.start()
        await asyncio.gather(*(engine.ready() for engine in (*self.pool, self.cloud)))
        await self.gateway.start()
        before = await asyncio.to_thread(self.gateway.gauges)
        self.until = time.monotonic() + minutes * 60
        mayhem = asyncio.create_task(self.mayhem.run())
        watching = asyncio.create_task(self._watch())
        await asyncio.gather(*(self._client(random.Random(self.rng.random())) for _ in range(self.clients)))
        mayhem.cancel()
        await asyncio.gather(mayhem, return_exceptions=True)
        await asyncio.gather(*(engine.ready() for engine in self.pool))
        left = await self._left(before)
        watching.cancel()
        return left

    async def _client(self, rng: random.Random) -> None:
        while time.monotonic() < self.until:
            await asyncio.sleep(rng.uniform(0, 1.5))
            self._count += 1
            self.told.append(await tell(self.gateway.port, asking(rng, f"c{self._count}")))

    async def _watch(self) -> None:
        started = time.monotonic()
        while True:
            elapsed = time.monotonic() - started
            self.rss.append((elapsed, self.gateway.rss_mib()))
            if sys.stderr.isatty():
                sys.stderr.write(f"\r{elapsed:5.0f} s  {len(self.told)} answers  RSS {self.rss[-1][1]:.1f} MiB ")
            await asyncio.sleep(1)

    async def _left(self, before: dict[str, float]) -> dict[str, float]:
        """What is still held when everybody has gone; empty: nothing."""
        left: dict[str, float] = {}
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(QUIET):
                while left := await asyncio.to_thread(self._held, before):
                    await asyncio.sleep(0.5)
        return left

    def _held(self, before: dict[str, float]) -> dict[str, float]:
        gauges = self.gateway.gauges()
        assert "cloverleaf_requests_in_flight" in gauges
        held = {name: value for name, value in gauges.items() if name.partition("{")[0].endswith(IN_FLIGHT) and value}
        tasks = gauges["cloverleaf_tasks"] - before["cloverleaf_tasks"]
        connections = self.gateway.connections() - 2 * (ENGINES + 1)  # health checks and metrics, kept alive
        return held | ({"tasks": tasks} if tasks > 0 else {}) | ({"sockets": connections} if connections > 0 else {})

    def stop(self) -> None:
        with contextlib.suppress(Exception):
            self.gateway.stop()
        for engine in (*self.pool, self.cloud):
            with contextlib.suppress(Exception):
                engine.kill()

    def slope(self) -> float:
        """MiB a minute of the gateway's memory, once settled."""
        counted = [point for point in self.rss if point[0] >= min(SETTLING, self.rss[-1][0] / 2)]
        return 60 * statistics.linear_regression([at for at, _ in counted], [mib for _, mib in counted]).slope


def report(soak: Soak, seen: Account, left: dict[str, float], minutes: float) -> list[str]:
    """Prints the figures; returns what must not be."""
    verdicts = Counter(told.verdict for told in soak.told)
    recovered = sum(told.recovered for told in soak.told)
    errors = [abs(each) for each in seen.estimates]
    mean = statistics.mean(errors) if errors else 0.0
    print(f"{minutes:g} minutes, {soak.clients} clients, {len(soak.told)} requests: {dict(verdicts)}")
    print(f"mayhem: {dict(soak.mayhem.done)}")
    print(f"rescued (more than one attempt, and no failure): {seen.rescued}; streams recovered: {recovered}")
    print(f"recovered by mode: {seen.recovered}; second attempts: {seen.hedged}; failures: {seen.failures}")
    print(f"usage the engines' own to the token: {seen.exact}; differing: {len(seen.differs)}")
    print(f"estimated: {len(errors)} compared, off by {mean:.1f} tokens on average, {max(errors, default=0)} at most;")
    print(f"           {seen.unknown} where the engine was killed and wrote nothing down")
    print(f"streams not recovered: {seen.unsaved}")
    print(f"RSS {soak.rss[0][1]:.1f} -> {soak.rss[-1][1]:.1f} MiB, slope {soak.slope():+.3f} MiB/min")
    print(f"still held at the end: {left or 'nothing'}")
    for told in soak.told:
        if told.verdict in ("wrong", "refused"):
            print(f"  {told.verdict} {told.ask.id} {told.ask.family} stream={told.ask.stream}: {told.detail}")
    for broken, count in Counter(t.detail for t in soak.told if t.verdict == "broken").most_common(10):
        print(f"  broken {count} x {broken[:160]}")
    for line in seen.differs[:20]:
        print(f"  differs {line}")
    limits = {
        "failures before the first token": verdicts["refused"],
        "wrong answers": verdicts["wrong"],
        "usage that differs": len(seen.differs),
        "things still held": len(left),
        "MiB/min over 1": int(minutes >= 5 and soak.slope() > 1),
    }
    return [f"{value} {name}" for name, value in limits.items() if value]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--clients", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="a directory for logs and journals, which stay there")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as made:
        directory = args.keep or Path(made)
        directory.mkdir(parents=True, exist_ok=True)
        soak = Soak(directory, args.clients, args.seed)
        try:
            left = asyncio.run(soak.run(args.minutes))
        finally:
            soak.stop()
        journals = {engine.url: engine.lines() for engine in (*soak.pool, soak.cloud)}
        problems = report(soak, account(soak.gateway.log, journals), left, args.minutes)
    print("FAILED: " + ", ".join(problems) if problems else "nothing failed that could be helped")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
