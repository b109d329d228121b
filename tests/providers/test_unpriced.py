"""A price nobody knows is no price: the header is absent, the ledger holds no figure, and neither says 0."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.contracts.scripted import ANSWER, Upstream, upstream, whole
from tests.emulators.anthropic import Anthropic
from tests.emulators.bedrock import Bedrock
from tests.providers.sdk import HI, served


def places(openai: Upstream, claude: Upstream, aws: Upstream) -> dict[str, str]:
    return {
        "passed": f'provider: openai_compatible, model: unheard-of, base_url: "{openai.url}"',
        "anthropic": "provider: anthropic, model: claude-unheard-of, api_key: sk-ant-emulated, "
        f'base_url: "{claude.url}"',
        "bedrock": "provider: bedrock, model: unheard-of, region: us-east-1, api_key: k, "
        f'base_url: "http://127.0.0.1:{aws.port}"',
    }


@pytest.mark.parametrize("price", ["", ", price: {input: 0, output: 0}"], ids=["unknown", "free"])
async def test_what_is_unpriced_costs_nothing_that_is_known_and_what_is_free_costs_nothing(
    price: str, tmp_path: Path
) -> None:
    async with upstream(whole(ANSWER)) as one, upstream(Anthropic()) as two, upstream(Bedrock(api_key="k")) as three:
        where = places(one, two, three)
        text = "deployments:\n" + "".join(f"  {name}: {{{place}{price}}}\n" for name, place in where.items())
        text += f"models: {{{', '.join(f'{name}: {{deployments: [{name}]}}' for name in where)}}}\n"
        text += f'telemetry: {{ledger: "{tmp_path / "ledger.db"}"}}\n'
        async with served(text) as on:
            costs = {}
            for name in where:
                raw = await on.client.chat.completions.with_raw_response.create(model=name, messages=HI)
                costs[name] = raw.headers.get("x-cloverleaf-cost-usd")
    with closing(sqlite3.connect(tmp_path / "ledger.db")) as ledger:
        rows = dict(ledger.execute("SELECT deployment, cost FROM requests").fetchall())
    assert costs == dict.fromkeys(where, "0.00000000" if price else None)
    assert rows == dict.fromkeys(where, 0.0 if price else None)
