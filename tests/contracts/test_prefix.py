"""The prefix policy through a running gateway and real engines: a conversation stays where its cache is."""

import asyncio

import httpx
import pytest

from tests.contracts.serving import LIMIT, running

POOL = """
deployments: {pool: {provider: embedded, model: demo, replicas: 3}}
models: {demo: {deployments: [pool], policy: prefix}, plain: {deployments: [pool]}}
"""
ROUNDS = 4


def said(topic: int, turn: int) -> list[dict[str, str]]:
    """A conversation that grows: each turn holds the turns before it."""
    return [
        {"role": "user", "content": f"topic {topic}, question {n}: " + f"word{topic}-{n} " * 300}
        for n in range(turn + 1)
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_conversation_stays_where_its_prefix_is_cached(stream: bool) -> None:
    async with running(POOL) as gateway, httpx.AsyncClient(timeout=LIMIT) as client:

        async def ask(topic: int, turn: int) -> None:
            body = {"model": "demo", "messages": said(topic, turn), "max_tokens": 2, "stream": stream}
            reply = await client.post(f"{gateway.url}/v1/chat/completions", json=body)
            assert reply.status_code == 200

        for turn in range(ROUNDS):
            await asyncio.gather(*(ask(topic, turn) for topic in range(3)))
        live = gateway.gateway.live
        for topic in range(3):
            request = {"model": "demo", "messages": said(topic, ROUNDS)}
            reply = await client.post(f"{gateway.url}/v1/chat/completions", json={**request, "max_tokens": 2})
            usage = reply.json()["usage"]
            assert usage["prompt_tokens_details"]["cached_tokens"] > 0.6 * usage["prompt_tokens"]
        assert all(load.backlog.at(1e12) == 0 and load.in_flight == 0 for load in live.endpoints.loads.values())
        assert len(live.caches.guess.held) > 1  # and not all three sit on one engine


async def test_models_under_other_policies_leave_no_trace_in_the_index() -> None:
    async with running(POOL) as gateway, httpx.AsyncClient(timeout=LIMIT) as client:
        body = {"model": "plain", "messages": said(0, 3), "max_tokens": 2}
        assert (await client.post(f"{gateway.url}/v1/chat/completions", json=body)).status_code == 200
        assert not gateway.gateway.live.caches.guess.held
