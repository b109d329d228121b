"""Upstreams that say anything, before a gateway that recovers what it can: a client gets one answer, whole or an error
that says so, and nothing is left under way."""

from collections.abc import AsyncIterator
from random import Random

import msgspec
import pytest

from tests.contracts.client import Reply, ask, chat
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
  one: {{provider: openai_compatible, model: m, base_url: "{one}", weights: w}}
  two: {{provider: openai_compatible, model: m, base_url: "{two}", weights: w}}
models: {{m: {{deployments: [one, two]}}}}
"""


class Anything:
    """What every upstream says from now on."""

    random = Random(0)

    async def __call__(self, call: Call) -> None:
        for piece in pieces(self.random, self._said()):
            await call.send(piece)
        call.cut()

    def _said(self) -> bytes:
        if self.random.random() < 0.2:
            return bent(self.random, samples.REPLIES)
        return HEAD + bent(self.random, samples.CHAT + samples.CALLS, most=3)


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
    for random in rounds(1_500):
        says.random = random
        for domain in gateway.app.live.domains.values():
            domain.cooled_until = 0.0
        fields = {"stream": random.random() < 0.8, "temperature": 0, "n": random.choice((1, 1, 2))}
        judge(await ask(gateway.port, chat(**fields)), bool(fields["stream"]))


def judge(reply: Reply, streamed: bool) -> None:
    if reply.status != 200:
        assert msgspec.json.decode(reply.body)["error"]["message"], reply
    elif streamed and reply.headers["content-type"].startswith("text/event-stream"):
        ended, failed = reply.body.rstrip().endswith(b"data: [DONE]"), b'data: {"error":' in reply.body
        assert ended or failed or b"finish_reason" in reply.body, (
            reply
        )  # a stream may lack its [DONE], never its finish
        assert not ended or b"finish_reason" in reply.body, reply
