"""Lessons of others' users that no other test here was about. docs/lessons.md lists them all, each with its test."""

import asyncio
import re
import subprocess
import sys
import threading
from pathlib import Path

from gateway import clock
from gateway.catalog.keys import Key
from gateway.proxy.model_resolution import conversation
from gateway.recording.log import Log
from gateway.reporting.telemetry import prometheus
from gateway.reporting.telemetry.readings import readings
from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, Call, error, silent, upstream, whole
from tests.contracts.serving import configured, running, single, until
from tests.facts import facts_of
from tests.survive.documented import PAGE
from tests.survive.test_places import places

ROOT = Path(__file__).parents[2]


async def test_names_that_clients_make_up_become_no_metric() -> None:
    """Labels from clients let every request cost memory for ever."""
    async with upstream(whole(ANSWER)) as up, running(single(up.url)) as gateway:

        def text() -> str:
            return prometheus.text(readings(gateway.gateway, clock.now()))

        def size() -> int:
            return len(text().splitlines())

        assert (await ask(gateway.port, chat("unknown-0"))).status == 404
        before = size()
        for number in range(50):
            assert (await ask(gateway.port, chat(f"unknown-{number}", f"user-agent: {number}"))).status == 404
        assert size() == before
        assert "unknown" not in text()


class Hanging:
    """A sink that takes nothing until it is let go."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()

    def write(self, text: str) -> None:
        self.asked.set()
        self.go.wait()

    def flush(self) -> None: ...


async def test_a_log_that_hangs_keeps_no_request_waiting() -> None:
    sink = Hanging()
    log = Log("info", sink)  # type: ignore[arg-type]
    log.start()
    try:
        log.event("info", "first", "")
        await asyncio.to_thread(sink.asked.wait)
        async with upstream(whole(ANSWER)) as up, running(single(up.url)) as gateway:
            gateway.gateway.log = log
            for _ in range(20):
                assert (await ask(gateway.port, chat())).status == 200
    finally:
        sink.go.set()
        log.close()


ALONE = """
import sys
def refuse(event, arguments):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname"):
        raise SystemExit(f"{event} {arguments}")
sys.addaudithook(refuse)
import gateway.app, gateway.cli, gateway.server.serve
from pathlib import Path
from tests.facts import facts_of
from gateway.config import load
load(Path("config/quickstart.yaml"), {})
"""


def test_nothing_is_fetched_at_import_or_when_a_configuration_loads() -> None:
    ran = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


async def test_health_is_watched_on_after_a_reload() -> None:
    """A reload elsewhere ended the thread that watched health, and nobody noticed."""
    async with upstream(silent) as up:
        text = f"""
deployments: {{d: {{provider: vllm, model: m, endpoints: ["{up.url.removesuffix("/v1")}"], scrape: 20ms}}}}
models: {{m: {{deployments: [d]}}}}
"""
        async with running(text) as gateway:
            await until(lambda: up.calls)
            await gateway.app.swap(configured(text.replace("20ms", "30ms")))
            seen = len(up.calls)
            await until(lambda: len(up.calls) > seen)


async def test_a_failed_attempt_leaves_nothing_in_the_next() -> None:
    """A broken first answer, then a good one: the good one's bytes alone, its usage alone, by its name."""

    async def broken(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-ratelimit-remaining-tokens: 99999\r\n")
        await call.send(b'content-length: 900\r\n\r\n{"usage":{"prompt_tokens":99999}')
        call.cut()

    async with upstream(broken, whole(ANSWER)) as up, running(single(up.url)) as gateway:
        reply = await ask(gateway.port, chat())
        (line,) = gateway.requests()
    assert (reply.body, line["prompt_tokens"], line["attempts"]) == (ANSWER, 1000, 2)
    assert "x-ratelimit-remaining-tokens" not in reply.headers


async def test_a_broken_endpoint_family_does_not_take_the_others_with_it() -> None:
    """Embeddings fail until their breaker opens; chat goes on at the same place."""

    async def fails_embeddings(call: Call) -> None:
        await (error(500) if call.target.endswith("embeddings") else whole(ANSWER))(call)

    more = "defaults: {breaker: {failures: 2, open_for: 60s}, retry: {base: 1ms, cap: 2ms}}"
    async with upstream(fails_embeddings) as up, running(single(up.url, more)) as gateway:
        for _ in range(3):
            body = b'{"model":"m","input":"x"}'
            request = chat().partition(b"\r\n")[0].replace(b"chat/completions", b"embeddings")
            head = b"\r\nhost: 127.0.0.1\r\ncontent-length: %d\r\n\r\n" % len(body)
            assert (await ask(gateway.port, request + head + body)).status >= 500
        (load,) = gateway.app.live.endpoints.loads.values()
        assert not load.breakers["embeddings"].allows(clock.now())
        assert (await ask(gateway.port, chat())).status == 200


def test_the_limits_that_the_page_names_are_the_defaults() -> None:
    defaults = configured("deployments: {d: {provider: embedded, model: m}}\nmodels: {m: {deployments: [d]}}").defaults
    shown = {
        key: value
        for value, key in re.findall(r"\| ([\d.]+ (?:s|%)|\d+) \| `((?:timeouts|retry)\.\w+)` \|", PAGE.read_text())
    }
    assert len(shown) == 8
    for key, value in shown.items():
        section, _, name = key.partition(".")
        number = float(value.split()[0]) / (100 if value.endswith("%") else 1)
        assert getattr(getattr(defaults, section), name) == number, key


def test_a_conversation_belongs_to_the_key_that_named_it() -> None:
    """A session's name is the client's word: another client's same word must not lead to the same place."""
    named, seen = {b"x-session-id": b"s"}, facts_of(user="hello")
    for given in (named, {}):
        assert conversation(seen, given, Key("a")) == conversation(seen, given, Key("a")) != 0
        assert conversation(seen, given, Key("a")) != conversation(seen, given, Key("b"))
    assert conversation(facts_of(), {}, Key("a")) == 0


STEERED = """
deployments:
  a: {provider: openai_compatible, model: m, base_url: "{0}", api_key: a}
  b: {provider: openai_compatible, model: m, base_url: "{1}", api_key: b}
  c: {provider: openai_compatible, model: m, base_url: "{2}", api_key: c}
models: {m: {deployments: [a, b]}, n: {deployments: [c]}}
"""


async def test_a_request_orders_its_places_and_can_add_none() -> None:
    async with places(STEERED, whole(ANSWER), error(500), whole(ANSWER)) as (gateway, (a, b, c)):
        second = await ask(gateway.port, chat(provider={"order": ["b"]}))
        foreign = await ask(gateway.port, chat(provider={"only": ["c"]}))
    assert (second.status, second.headers["x-cloverleaf-deployment"]) == (200, "a")
    assert foreign.status == 404 and foreign.json["error"]["message"]
    assert (len(b.calls) > 0, len(a.calls), len(c.calls)) == (True, 1, 0)
