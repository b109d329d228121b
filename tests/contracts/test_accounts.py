"""Tokens and money in the metrics are the ledger's, place by place and key by key, whatever became of the requests."""

import asyncio
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from gateway.ledger.totals import totals
from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, Call, error, silent, upstream, whole
from tests.contracts.serving import Running, running, until
from tests.contracts.test_rivals import teach
from tests.dashboards.load import DIES, SPEAKS, sometimes

KINDS = ("model", "deployment", "key")  # as the metrics' accounts are kept, and as the ledger groups
PRICED = "provider: openai_compatible, model: m, price: {input: 1, cached_input: 0.5, output: 2}"


async def answers(call: Call) -> None:
    await (SPEAKS if b'"stream":true' in call.body.replace(b" ", b"") else whole(ANSWER))(call)


def config(urls: dict[str, str], ledger: Path) -> str:
    places = "".join(f'  {name}: {{{PRICED}, base_url: "{url}"}}\n' for name, url in urls.items())
    return f"""
auth: {{keys: [{{name: one, key: k1}}, {{name: two, key: k2}}]}}
defaults: {{hedge: {{enabled: true, budget: 100%}}, realign: always, retry: {{attempts: 1, base: 10ms}}}}
deployments:
{places}
  free: {{provider: openai_compatible, model: m, base_url: "{urls["good"]}"}}
models:
  plain: {{deployments: [good]}}
  unpriced: {{deployments: [free]}}
  failing: {{deployments: [flaky, good]}}
  hedged: {{deployments: [mute, good]}}
  mended: {{deployments: [dying, good]}}
  cut: {{deployments: [dying]}}
routes: [{{name: shadow, match: {{model: unpriced}}, mirror: {{model: plain, rate: 100%}}}}]
telemetry: {{ledger: "{ledger}"}}
"""


async def mix(gateway: Running) -> None:
    """Every kind of end, by two keys."""
    teach(gateway)
    for number, model in enumerate(("plain", "unpriced", "failing", "hedged", "mended", "cut") * 2):
        for streamed in (True, False):
            key = f"authorization: Bearer k{number % 2 + 1}"
            await ask(gateway.port, chat(model, key, stream=streamed))
    live = gateway.gateway
    await until(lambda: not live.journeys and not gateway.app.shadows.journeys)


@pytest.mark.parametrize("column", range(len(KINDS)), ids=KINDS)
async def test_the_metrics_count_what_the_ledger_does(column: int, tmp_path: Path) -> None:
    scripts = {"good": answers, "flaky": sometimes(answers, error(500), 3), "mute": silent, "dying": DIES}
    async with (
        upstream(scripts["good"]) as good,
        upstream(scripts["flaky"]) as flaky,
        upstream(scripts["mute"]) as mute,
        upstream(scripts["dying"]) as dying,
    ):
        urls = {"good": good.url, "flaky": flaky.url, "mute": mute.url, "dying": dying.url}
        async with running(config(urls, tmp_path / "ledger.db")) as gateway:
            await asyncio.wait_for(mix(gateway), 60)
            metrics = gateway.gateway.metrics
            metrics.fold()
    counts: Counter[tuple[str, str]] = Counter()
    for of, account in metrics.accounts.items():
        for kind in ("prompt", "cached", "completion", "reasoning", "usd"):
            counts[of[column], f"{of[3]} {kind}"] += getattr(account, kind)
    with sqlite3.connect(tmp_path / "ledger.db") as ledger:
        told = [total for total in totals(ledger, KINDS[column]) if total.group]
    ledger.close()
    assert len(told) > 1
    assert sum(total.estimated_prompt_tokens for total in told) > 0
    assert {of for of, _ in counts} == {total.group for total in told}
    for total in told:
        kept = {
            "upstream prompt": total.prompt_tokens,
            "upstream cached": total.cached_tokens,
            "upstream completion": total.completion_tokens,
            "upstream reasoning": total.reasoning_tokens,
            "upstream usd": pytest.approx(total.cost_usd),
            "estimated prompt": total.estimated_prompt_tokens,
            "estimated completion": total.estimated_completion_tokens,
            "estimated usd": pytest.approx(total.estimated_cost_usd),
        }
        assert {kind: counts[total.group, kind] for kind in kept} == kept, total.group
    if KINDS[column] == "deployment":
        assert metrics.unpriced == {total.group: total.unpriced for total in told if total.unpriced}
