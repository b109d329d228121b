"""The tables of docs/observability.md, made from the code's own: `python -m tests.docs.observability`."""

import re
from collections.abc import Callable, Iterable
from pathlib import Path

from gateway.config.json_schema import descriptions
from gateway.ledger.row import Charge, Row
from gateway.proxy.headers import OURS
from gateway.recording.instruments import INSTRUMENTS, Instrument
from gateway.recording.log import EventLine, RequestLine
from gateway.reporting.telemetry.attributes import ATTRIBUTES

PAGE = Path(__file__).parents[2] / "docs" / "observability.md"
MARKED = re.compile(r"(<!-- (\w+): made by tests/docs/observability\.py -->\n).*?(<!-- end -->\n)", re.DOTALL)


def metrics() -> Iterable[str]:
    yield "| Prometheus (OTLP) | kind, unit | labels | what |"
    yield "|---|---|---|---|"
    for each in INSTRUMENTS:
        yield f"| `{each.prometheus}` (`{each.name}`) | {_kind(each)} | {_names(each.labels)} | {each.text} |"


def _kind(instrument: Instrument) -> str:
    return f"{instrument.kind}, {instrument.unit}" if instrument.unit else instrument.kind


def _names(names: Iterable[str]) -> str:
    return " ".join(f"`{name}`" for name in names) or "—"


def attributes() -> Iterable[str]:
    yield "| attribute | span of | what |"
    yield "|---|---|---|"
    for each in ATTRIBUTES:
        yield f"| `{each.name}` | {each.spans} | {each.text} |"


def headers() -> Iterable[str]:
    yield "| header | what |"
    yield "|---|---|"
    for name, text in OURS.items():
        yield f"| `{name}` | {text} |"


def log() -> Iterable[str]:
    yield "| field | line | what |"
    yield "|---|---|---|"
    for line, struct in (("request", RequestLine), ("other", EventLine)):
        told = descriptions(struct)
        for name in struct.__struct_fields__:
            yield f"| `{name}` | {line} | {told[name]} |"


def ledger() -> Iterable[str]:
    yield "| column | table | what |"
    yield "|---|---|---|"
    told = descriptions(Row)
    for name in Row.__struct_fields__:
        both = name in Charge.__struct_fields__
        yield f"| `{name}` | {'both' if both else 'requests'} | {told[name]} |"
    for name, text in descriptions(Charge).items():
        yield f"| `{name}` | charges | {text} |"


TABLES: dict[str, Callable[[], Iterable[str]]] = {
    "metrics": metrics,
    "attributes": attributes,
    "headers": headers,
    "log": log,
    "ledger": ledger,
}


def written(page: str) -> str:
    """The page with its tables as the code has them."""
    return MARKED.sub(lambda found: found[1] + "".join(f"{line}\n" for line in TABLES[found[2]]()) + found[3], page)


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text()))
