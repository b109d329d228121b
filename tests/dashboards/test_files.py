"""The dashboards and rules in the repository are the code's own, and name only metrics that there are."""

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml

from dashboards import rules
from dashboards.__main__ import HERE, files
from dashboards.boards import BOARDS, VARIABLES
from dashboards.panel import COLUMNS, grafana
from gateway.recording.instruments import INSTRUMENTS

RECORDED = {rule["record"] for rule in rules.recordings()}
NAMES = {each.prometheus for each in INSTRUMENTS} | {"ALERTS"} | RECORDED
WORD = re.compile(r"\b(?:cloverleaf|gen_ai)_\w+(?=[{\[) ]|$)|\bcloverleaf:[\w:]+")


def test_the_files_are_what_the_code_makes() -> None:
    for path, text in files().items():
        assert path.read_text() == text, f"{path} is stale: python -m dashboards"
    made = {path for path in files() if path.suffix == ".json"}
    assert set((HERE / "grafana").glob("*.json")) == made


def expressions() -> list[str]:
    queries = [query.expr for board in BOARDS for panel in board.panels for query in panel.queries]
    return [*queries, *(rule["expr"] for group in rules.groups()["groups"] for rule in group["rules"])]


def unknown(expr: str) -> set[str]:
    """Names in a query that are no metric's."""
    bare = re.sub(r'by \([\w, ]*\)|on \([\w, ]*\)|\{[^}]*\}|"[^"]*"', "", expr)
    names = {name.removesuffix("_bucket") for name in WORD.findall(bare)}
    return names - NAMES if names or "ALERTS" in expr else {"none at all"}


def test_every_name_in_a_query_is_a_metric() -> None:
    assert {expr: names for expr in expressions() if (names := unknown(expr))} == {}


def test_every_metric_is_on_a_board_or_in_a_rule() -> None:
    text = " ".join([*expressions(), *(query for _, query in VARIABLES)])
    assert [each.prometheus for each in INSTRUMENTS if each.prometheus not in text] == []


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_panels_stand_side_by_side(board: Any) -> None:
    made = grafana(board, VARIABLES)
    taken: set[tuple[int, int]] = set()
    for panel in made["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + x, at["y"] + y) for x in range(at["w"]) for y in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= COLUMNS
        taken |= cells
    assert len({panel["id"] for panel in made["panels"]}) == len(made["panels"])
    assert len({panel["title"] for panel in made["panels"]}) == len(made["panels"])


def test_the_rules_are_yaml_with_one_alert_a_name() -> None:
    read = yaml.safe_load((HERE / "prometheus" / "rules.yaml").read_text())
    names = [rule["alert"] for group in read["groups"] for rule in group["rules"] if "alert" in rule]
    assert len(set(names)) == len(names) > 10
    assert msgspec.json.encode(read)


def test_a_label_that_a_metric_lacks_is_refused() -> None:
    from dashboards.query import rate
    from gateway.recording import instruments as i

    with pytest.raises(AssertionError, match="has no label key"):
        rate(i.REQUESTS, "key")


def test_the_readme_names_every_file() -> None:
    page = (Path(HERE) / "README.md").read_text()
    assert [path.name for path in files() if path.name not in page] == []
