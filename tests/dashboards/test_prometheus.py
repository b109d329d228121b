"""Every query of every panel, variable and rule, asked of a real Prometheus that scrapes a gateway under load."""

import asyncio
import subprocess
from pathlib import Path

from dashboards import rules
from dashboards.__main__ import HERE
from dashboards.boards import BOARDS, VARIABLES
from gateway.recording.instruments import INSTRUMENTS
from tests.dashboards.load import gateway
from tests.dashboards.prometheus import LIMIT, NEEDED, Prometheus, scraping

pytestmark = NEEDED
QUERIES = [
    (f"{board.uid}: {panel.title}", query.expr) for board in BOARDS for panel in board.panels for query in panel.queries
]


def now(expr: str) -> str:
    """The query as Grafana asks it, with everything shown and a window that the test can fill."""
    for name, value in {"$__rate_interval": "1m", "$__range": "1m", "$instance": ".*", "$model": ".*"}.items():
        expr = expr.replace(name, value)
    return expr


async def test_no_panel_is_empty(tmp_path: Path) -> None:
    async with (
        gateway(tmp_path) as served,
        scraping(tmp_path, served.admin.removeprefix("http://")) as prometheus,
    ):
        empty = dict(QUERIES)
        try:
            async with asyncio.timeout(LIMIT):
                while empty := {title: q for title, q in empty.items() if not await prometheus.series(now(q))}:
                    await asyncio.sleep(1.0)
        except TimeoutError:
            pass
        assert empty == {}
        await check_metrics(prometheus)
        await check_rules(prometheus)


async def check_metrics(prometheus: Prometheus) -> None:
    """All there are were scraped, and the variables find values."""
    names = await prometheus.ask("label/__name__/values")
    scraped = {name.removesuffix("_bucket") for name in names}
    assert [each.prometheus for each in INSTRUMENTS if each.prometheus not in scraped] == []
    for _, query in VARIABLES:
        metric, label = query.removeprefix("label_values(").removesuffix(")").split(", ")
        assert await prometheus.ask(f"label/{label}/values", **{"match[]": metric})


async def check_rules(prometheus: Prometheus) -> None:
    """Each rule is evaluated without an error, and each ratio has been recorded."""
    groups = (await prometheus.ask("rules"))["groups"]
    loaded = [rule for group in groups for rule in group["rules"]]
    assert len(loaded) == sum(len(group["rules"]) for group in rules.groups()["groups"])
    assert [rule["name"] for rule in loaded if rule["health"] != "ok"] == []
    for rule in rules.recordings():
        assert await prometheus.series(rule["record"]), rule


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(("promtool", *arguments), capture_output=True, text=True, check=False)


def test_promtool_takes_the_rules() -> None:
    told = promtool("check", "rules", "--lint=all", "--lint-fatal", str(HERE / "prometheus" / "rules.yaml"))
    assert told.returncode == 0, told.stdout + told.stderr
