"""One request across clouds: the own pool dies, Bedrock throttles, Vertex AI answers; who answered is who is paid."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.contracts.scripted import Call, upstream, whole
from tests.emulators.aws_signature import Identity
from tests.emulators.bedrock import Bedrock, Refuses, Says
from tests.emulators.google import Google, emulated
from tests.providers.sdk import HI, TOOLS, Served, served

CONFIG = """
deployments:
  pool: {{provider: vllm, model: qwen, endpoints: [http://127.0.0.1:{pool}]}}
  aws:
    provider: bedrock
    model: us.amazon.nova-lite-v1:0
    region: us-east-1
    base_url: http://127.0.0.1:{bedrock}
    aws: {{access_key_id: {identity.access_key}, secret_access_key: {identity.secret_key}}}
    price: {{input: 1000, output: 1000}}
  google:
    provider: vertex
    model: gemini-2.5-flash
    base_url: http://127.0.0.1:{google}/v1
    region: us-central1
    credentials: "file:{account}"
    price: {{input: 1, output: 2}}
models: {{m: {{deployments: [pool, aws, google]}}}}
defaults: {{retry: {{attempts: 0}}}}
telemetry: {{ledger: "{ledger}"}}
"""


async def dying(call: Call) -> None:
    """A pool's engine whose health is good and whose answers never come: each connection is cut."""
    if call.target == "/v1/chat/completions":
        call.cut()
    else:
        await whole(b"")(call)


class World:
    def __init__(self, bedrock: Bedrock, google: Google, on: Served) -> None:
        self.bedrock = bedrock
        self.google = google
        self.on = on


@asynccontextmanager
async def world(tmp_path: Path, *plays: Says | Refuses) -> AsyncIterator[World]:
    bedrock = Bedrock(*plays)
    async with upstream(dying) as pool, upstream(bedrock) as aws, emulated() as (google, vertex):
        account = tmp_path / "account.json"
        account.write_bytes(msgspec.json.encode(google.tokens.service_account()))
        text = CONFIG.format(
            pool=pool.port,
            bedrock=aws.port,
            google=vertex.port,
            identity=Identity(),
            account=account,
            ledger=tmp_path / "ledger.db",
        )
        async with served(text) as on:
            yield World(bedrock, google, on)


def recorded(tmp_path: Path) -> dict[str, Any]:
    """The one row of the ledger."""
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        ledger.row_factory = sqlite3.Row
        (row,) = ledger.execute("SELECT * FROM requests").fetchall()
    return dict(row)


@pytest.mark.parametrize(
    "play",
    [
        Refuses("ThrottlingException", "Too many requests"),
        Says((), ending="throttlingException"),  # after a 200, before any content
    ],
)
async def test_one_stream_with_tools_and_the_cost_is_who_answered_s(play: Says | Refuses, tmp_path: Path) -> None:
    async with world(tmp_path, play) as clouds:
        stream = await clouds.on.streamed(tools=TOOLS)
        assert stream.finish == "tool_calls"
        assert [name for name, _ in stream.calls] == ["weather", "time"]
        assert len(stream.ids) == 1  # nothing of the others shows
        assert len(clouds.bedrock.asked) == 1
    row = recorded(tmp_path)
    assert (row["deployment"], row["attempts"]) == ("google", 3)
    tokens = stream.usage
    assert row["cost"] == pytest.approx((tokens.prompt_tokens + 2 * tokens.completion_tokens) / 1e6)


async def test_a_tool_loop_that_began_on_one_cloud_goes_on_at_another(tmp_path: Path) -> None:
    calls = Says(({"toolUse": {"toolUseId": "t1", "name": "weather", "input": {}}},), "tool_use")
    async with world(tmp_path, calls, Refuses("ThrottlingException")) as clouds:
        first = (await clouds.on.chat(tools=TOOLS)).choices[0].message
        result: Any = {"role": "tool", "tool_call_id": first.tool_calls[0].id, "content": "sunny"}
        history = [*HI, first.model_dump(exclude_none=True), result]
        raw = await clouds.on.client.chat.completions.with_raw_response.create(model="m", messages=history, tools=TOOLS)
        answer = raw.parse()
    assert raw.headers["x-cloverleaf-deployment"] == "google"
    assert answer.usage is not None
    cost = (answer.usage.prompt_tokens + 2 * answer.usage.completion_tokens) / 1e6
    assert float(raw.headers["x-cloverleaf-cost-usd"]) == pytest.approx(cost)
    assert "sunny" in (answer.choices[0].message.content or "")


async def test_a_throttled_cloud_is_left_alone_for_a_while(tmp_path: Path) -> None:
    async with world(tmp_path, Refuses("ThrottlingException", "Too many tokens per day")) as clouds:
        for _ in range(3):
            await clouds.on.chat()
        assert len(clouds.bedrock.asked) == 1
