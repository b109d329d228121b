"""Panels. Rule: what is said of a panel here is what Grafana needs to know and no more; places are found by flowing."""

from typing import Any

import msgspec

COLUMNS = 24
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


class Query(msgspec.Struct, frozen=True):
    """``rare``: it counts what may never have happened, and shows nought until it does."""

    expr: str
    legend: str = ""
    rare: bool = False


class Panel(msgspec.Struct, frozen=True):
    """``unit`` as Grafana names it. ``text``: what the panel answers."""

    title: str
    unit: str
    queries: tuple[Query, ...]
    text: str = ""
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    stack: bool = False


class Board(msgspec.Struct, frozen=True):
    """``uid`` stays the same for ever: links point at it."""

    uid: str
    title: str
    panels: tuple[Panel, ...]


def grafana(board: Board, variables: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """The dashboard's JSON. ``variables``: name and query of each."""
    return {
        "uid": board.uid,
        "title": board.title,
        "tags": ["cloverleaf"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "10s",
        "time": {"from": "now-1h", "to": "now"},
        "timezone": "browser",
        "links": [{"type": "dashboards", "tags": ["cloverleaf"], "title": "Cloverleaf", "asDropdown": True}],
        "templating": {
            "list": [
                {"name": "datasource", "label": "Prometheus", "type": "datasource", "query": "prometheus"},
                *(_variable(name, query) for name, query in variables),
            ]
        },
        "panels": _placed(board.panels),
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name, "type": "query", "datasource": SOURCE, "query": {"query": query, "refId": name},
        "definition": query, "refresh": 2, "sort": 1, "multi": True, "includeAll": True, "allValue": ".*",
        "current": {"text": "All", "value": "$__all"},
    }  # fmt: skip


def _placed(panels: tuple[Panel, ...]) -> list[dict[str, Any]]:
    placed, x, y, tallest = [], 0, 0, 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > COLUMNS:
            x, y, tallest = 0, y + tallest, 0
        placed.append(_panel(panel, number, {"x": x, "y": y, "w": panel.width, "h": panel.height}))
        x, tallest = x + panel.width, max(tallest, panel.height)
    return placed


def _panel(panel: Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    stacking = {"custom": {"stacking": {"mode": "normal"}, "fillOpacity": 30}} if panel.stack else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0} | stacking, "overrides": []},
        "options": {"legend": {"displayMode": "list", "placement": "bottom"}} if panel.kind == "timeseries" else {},
        "targets": [
            {
                "refId": chr(ord("A") + n),
                "datasource": SOURCE,
                "expr": f"{query.expr} or vector(0)" if query.rare else query.expr,
                "legendFormat": query.legend or "__auto",
            }
            for n, query in enumerate(panel.queries)
        ],
    }
