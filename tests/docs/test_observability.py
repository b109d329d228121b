"""The page about observability tells every metric, attribute, header and log field there is, as the code has them."""

import re
from pathlib import Path

from gateway.proxy.headers import OURS
from gateway.recording.instruments import INSTRUMENTS
from gateway.reporting.telemetry import attributes
from tests.docs.observability import MARKED, PAGE, TABLES, written

ROOT = Path(__file__).parents[2]
ASKED = {"x-cloverleaf-explain"}  # a request's, not an answer's


def test_the_tables_are_the_code_s() -> None:
    page = PAGE.read_text()
    assert {found[2] for found in MARKED.finditer(page)} == set(TABLES)
    assert page == written(page), "write it with: python -m tests.docs.observability"


def test_no_header_of_ours_is_left_out() -> None:
    sources = "".join(path.read_text() for room in ("gateway", "backends") for path in (ROOT / room).rglob("*.py"))
    assert set(re.findall(r"x-cloverleaf-[a-z-]+", sources)) - ASKED == {
        name for name in OURS if name.startswith("x-cloverleaf-")
    }


def test_no_attribute_is_left_out() -> None:
    named = {v for k, v in vars(attributes).items() if k.isupper() and isinstance(v, str)} - {attributes.FIRST_CONTENT}
    assert named == {each.name for each in attributes.ATTRIBUTES}


def test_names_are_those_of_the_conventions() -> None:
    names = [each.prometheus for each in INSTRUMENTS]
    assert len(set(names)) == len(names)
    assert {
        "gen_ai_client_operation_duration_seconds",
        "gen_ai_client_token_usage",
        "gen_ai_server_time_to_first_token_seconds",
        "gen_ai_server_time_per_output_token_seconds",
    } <= set(names)
    for each in INSTRUMENTS:
        assert re.fullmatch(r"(gen_ai|cloverleaf)(\.[a-z_]+)+", each.name)
        assert each.text[0].isupper() or each.text[0].isdigit(), each.name
        assert bool(each.bounds) == (each.kind == "histogram")
        assert each.prometheus.endswith("_total") == (each.kind == "counter")
