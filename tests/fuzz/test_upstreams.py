"""Upstreams that say anything, before a gateway that recovers what it can: a client gets one answer, whole or an error
that says so, and nothing is left under way."""

from collections.abc import AsyncIterator
from random import Random

import msgspec
import pytest

from tests.contracts.client import Reply, ask, post
from tests.contracts.scripted import Call, upstream
from tests.contracts.serving import Running, running, until
from tests.fuzz import samples
from tests.fuzz.conftest import Rounds
from tests.fuzz.inputs import bent, pieces

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"  # what follows ends with the connection
CONFIG = """
defaults:
  retry: {{base: 1ms, cap: 2ms, max_retry_after: 1ms}}
  breaker: {{failures: 1000000, min_requests: 1000000}}
  timeouts: {{ttft: 5s, response: 5s, stream_idle: 5s}}
  realign: always
  reasoning: restart
  hold_tool_calls: {hold}
deployments:
  one: {{provider: openai_compatible, model: m, base_url: "{one}", weights: w, native: [messages, responses]}}
  two: {{provider: openai_compatible, model: m, base_url: "{two}", weights: w, native: [messages, responses]}}
models: {{m: {{deployments: [one, two]}}}}
"""


CHUNKS = (samples.CHAT + samples.CALLS, b"finish_reason")
FAMILIES = (  # path, good streams, and what a whole one holds
    ("/v1/chat/completions", *CHUNKS),
    ("/v1/completions", *CHUNKS),
    ("/v1/responses", samples.TYPED[:1], b"response.completed"),
    ("/v1/messages", samples.TYPED[1:2], b"message_stop"),
)


class Anything:
    """What every upstream says from now on."""

    random = Random(0)
    said = samples.CHAT

    async def __call__(self, call: Call) -> None:
        for piece in pieces(self.random, self._said()):
            await call.send(piece)
        call.cut()

    def _said(self) -> bytes:
        if self.random.random() < 0.2:
            return bent(self.random, samples.REPLIES)
        return HEAD + bent(self.random, self.said, most=3)


@pytest.fixture(params=["true", "false"], ids=["held", "unheld"])
async def gateway(request: pytest.FixtureRequest, says: Anything) -> AsyncIterator[Running]:
    async with (
        upstream(says) as one,
        upstream(says) as two,
        running(CONFIG.format(hold=request.param, one=one.url, two=two.url)) as made,
    ):
        yield made
        await until(lambda: not made.gateway.journeys)
        assert not any(load.in_flight for load in made.app.live.loads.values())
        assert [line for line in made.log.getvalue().splitlines() if '"defect"' in line] == []


@pytest.fixture
def says() -> Anything:
    return Anything()


async def test_bent_upstreams(gateway: Running, says: Anything, rounds: Rounds) -> None:
    for random in rounds(500):
        path, said, ends = random.choice(FAMILIES)
        says.random, says.said = random, said
        for domain in gateway.app.live.domains.values():
            domain.cooled_until = 0.0
        streamed = random.random() < 0.8
        fields = {"stream": streamed, "temperature": 0, "n": random.choice((1, 1, 2))}
        asked = {"model": "m", "messages": [], "input": "x", "prompt": "x", "max_tokens": 9, **fields}
        judge(await ask(gateway.port, post(path, msgspec.json.encode(asked))), ends, streamed)


def judge(reply: Reply, ends: bytes, streamed: bool) -> None:
    """A stream may lack its [DONE], never what makes it whole."""
    if reply.status != 200:
        assert msgspec.json.decode(reply.body)["error"]["message"], reply
    elif streamed and reply.headers["content-type"].startswith("text/event-stream"):
        failed = b'data: {"error":' in reply.body or b"event: error" in reply.body
        assert failed or ends in reply.body, reply
        assert b"\ndata: [DONE]" not in reply.body or ends in reply.body, reply
