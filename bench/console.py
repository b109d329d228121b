"""What the console costs the gateway. Rule: its tick as it runs, with all rings full; the best of many rounds.

python -m bench.console             # milliseconds a second on the event loop, watched and not
"""

import tempfile
import time
from pathlib import Path

import uvloop

from gateway import clock
from gateway.app import App
from gateway.config import load
from gateway.proxy.context import Gateway
from gateway.recording.log import Log
from gateway.reporting.event_stream import EventStream
from gateway.reporting.traffic_stats import KEPT, LOOKED
from policies.attempts.outcome import Outcome
from policies.vocabulary.types import Usage

ROUNDS = 50


def configured(endpoints: int) -> str:
    roots = ", ".join(f'"http://127.0.1.{n}:9"' for n in range(endpoints))
    return f"""
deployments: {{pool: {{provider: vllm, model: m, endpoints: [{roots}], scrape: 1h}}}}
models: {{m: {{deployments: [pool]}}}}
"""


async def measure(endpoints: int) -> str:
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "c.yaml"
        path.write_text(configured(endpoints))
        app = await App.start(load(path), Log("off"))
    gateway, feed = app.gateway, app.feed
    for _ in range(KEPT):
        feed._sample()
    took = {}
    for name, viewers in (("not watched", 0), ("watched", 1)):
        feed.viewers = viewers
        took[name] = min(_timed(gateway, feed) for _ in range(ROUNDS))
    size = len(feed._event)
    feed.viewers = 0
    await app.close()
    app.log.close()
    told = ", ".join(f"{name} {1000 * seconds:.2f} ms" for name, seconds in took.items())
    return f"{endpoints:3} endpoints: {told} a second; an event has {size / 1024:.0f} KiB"


def _timed(gateway: Gateway, feed: EventStream) -> float:
    """A tick after a second of traffic."""
    for n in range(LOOKED):
        end = clock.now()
        made = Outcome(b"req_%d" % n, "chat", end - 1.0)
        made.model, made.stream, made.deployment, made.endpoint, made.status = "m", True, "pool", "e", 200
        made.usage, made.first_token, made.finished = Usage(500, 100, 0, "upstream"), end - 0.9 * n / LOOKED, end
        gateway.record(made)
    started = time.perf_counter()
    feed._sample()
    return time.perf_counter() - started


if __name__ == "__main__":
    for count in (4, 64):
        print(uvloop.run(measure(count)))
