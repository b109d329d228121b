"""docs/lessons.md: every lesson is shown by tests that exist, or says why it is not."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(Test\w+::)?(test_\w+)`")
_, GATEWAYS, ROUTERS = (ROOT / "docs" / "lessons.md").read_text().split("\n## ")


@pytest.mark.parametrize(("part", "count"), [(GATEWAYS, 57), (ROUTERS, 30)], ids=["gateways", "routers"])
def test_every_lesson_has_its_row(part: str, count: int) -> None:
    assert [int(number) for number, _, _ in ROW.findall(part)] == list(range(1, count + 1))


@pytest.mark.parametrize("row", ROW.findall(GATEWAYS + ROUTERS), ids=lambda row: row[1][:40])
def test_what_shows_it_exists(row: tuple[str, str, str]) -> None:
    _, _, shown = row
    tests = TEST.findall(shown)
    assert tests or shown.startswith(("does not apply: ", "comes with ")), shown
    assert shown.count("::test_") == len(tests)
    for path, group, name in tests:
        source = (ROOT / path).read_text()
        assert re.search(rf"^{'    ' if group else ''}(async )?def {name}\(", source, re.MULTILINE), f"{path}::{name}"
        assert not group or f"class {group[:-2]}:" in source
