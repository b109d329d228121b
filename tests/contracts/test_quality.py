"""`quality` through a running gateway: hard prompts go to the strong deployment, and their share is what was asked."""

from collections import Counter

import msgspec
import pytest

from gateway import clock
from gateway.reporting import recent_requests as recent
from gateway.reporting.telemetry import prometheus
from gateway.reporting.telemetry.readings import judged
from tests.contracts.client import chat, connected, post
from tests.contracts.serving import running

PLACES = """
auth: {keys: [{name: a, key: key-a, explain: true}]}
deployments:
  cheap: {provider: embedded, model: m}
  mid: {provider: embedded, model: m, price: {input: 5, output: 5}}
  big: {provider: embedded, model: m}
models: {m: {deployments: [cheap, mid, big], policy: %s}}
"""
KEY = "authorization: Bearer key-a"
HARD = "Prove that every tree has a leaf, and explain why the bound is tight. It must hold for at least two vertices."
EASY = "What is the capital of Peru?"


def said(text: str, *lines: str) -> bytes:
    return chat("m", KEY, *lines, messages=[{"role": "user", "content": text}], max_tokens=1)


async def test_hard_prompts_go_to_the_last_deployment_and_others_to_the_cheapest() -> None:
    async with running(PLACES % "quality") as gateway, connected(gateway.port) as client:
        went: dict[str, Counter[str]] = {HARD: Counter(), EASY: Counter()}
        for n in range(100):
            text = HARD if n % 5 == 0 else EASY
            reply = await client.ask(said(text))
            went[text][reply.headers["x-cloverleaf-deployment"]] += 1
        assert went[HARD]["big"] >= 17 and went[EASY]["cheap"] >= 75, went
        assert went[HARD]["mid"] == went[EASY]["mid"] == 0, "it costs, and the other cheap one does not"
        seen = gateway.gateway.live.judge.thresholds["m"]
        assert seen.judged == 100 and abs(seen.strong - 20) <= 5


async def test_asking_where_a_request_would_go_now_moves_no_threshold() -> None:
    async with running(PLACES % "quality") as gateway, connected(gateway.port) as client:
        reply = await client.ask(said(HARD))
        seen = gateway.gateway.live.judge.thresholds["m"]
        before = msgspec.structs.astuple(seen)
        opened = recent.opened(gateway.gateway, reply.headers["x-request-id"], again=True)
        assert opened is not None and opened.again is not None
        assert msgspec.structs.astuple(seen) == before


async def test_where_the_strong_one_is_down_a_hard_prompt_is_answered_all_the_same() -> None:
    async with running(PLACES % "quality") as gateway, connected(gateway.port) as client:
        (big,) = (load for (name, _), load in gateway.gateway.live.endpoints.loads.items() if name == "big")
        big.breaker("chat").trip(clock.now(), clock.now())
        reply = await client.ask(said(HARD))
        assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "cheap")


@pytest.mark.parametrize(
    ("path", "asked"),
    [
        ("/v1/completions", {"prompt": HARD}),
        ("/v1/responses", {"input": HARD}),
        ("/v1/messages", {"messages": [{"role": "user", "content": [{"type": "text", "text": HARD}]}]}),
    ],
)
async def test_every_family_that_has_words_is_judged(path: str, asked: dict[str, object]) -> None:
    body = msgspec.json.encode({"model": "m", "max_tokens": 1, **asked})
    async with running(PLACES % "quality") as gateway, connected(gateway.port) as client:
        reply = await client.ask(post(path, body, KEY))
        assert (reply.status, reply.headers["x-cloverleaf-deployment"]) == (200, "big")


async def test_the_decision_says_how_hard_and_from_what_on() -> None:
    async with running(PLACES % "quality") as gateway, connected(gateway.port) as client:
        reply = await client.ask(said(HARD, "x-cloverleaf-explain: 1"))
        decision = msgspec.json.decode(reply.headers["x-cloverleaf-decision"])
        assert decision["difficulty"] > decision["threshold"] == 0.5
        text = prometheus.text(judged(gateway.gateway.live))
        assert 'cloverleaf_judged_total{gen_ai_request_model="m",hard="true"} 1' in text


async def test_a_composition_may_use_it_and_names_the_strong() -> None:
    text = (
        PLACES % "mine"
        + """
policies:
  mine: {scorers: [{kind: quality, weight: 10}, {kind: least_busy}], difficulty: {strong: [mid], share: 50%}}
"""
    )
    async with (
        running(text.replace("[cheap, mid, big]", "[[cheap, mid, big]]")) as gateway,
        connected(gateway.port) as client,
    ):
        assert (await client.ask(said(HARD))).headers["x-cloverleaf-deployment"] == "mid"
        assert (await client.ask(said(EASY))).headers["x-cloverleaf-deployment"] != "mid"
