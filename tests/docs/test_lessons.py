"""docs/lessons.md: every lesson is shown by tests that exist, or says why it is not."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ROW = re.compile(r"^\| (\d+) \| (.+) \| (.+) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)::(Test\w+::)?(test_\w+)`")
_, GATEWAYS, ROUTERS = (ROOT / "docs" / "lessons.md").read_text().split("\n## ")


@pytest.mark.parametrize(("part", "count"), [(GATEWAYS, 57), (ROUTERS, 30)], ids=["gateways", "routers"])
def test_every_lesson_has_its_row(part: str, count: int) -> None:
    assert [int(number) for number, _, _ in ROW.findall(part)] == list(range(1, count + 1))


def test_what_shows_each_exists() -> None:
    assert not [fault for row in ROW.findall(GATEWAYS + ROUTERS) for fault in faults(*row)]


def faults(number: str, lesson: str, shown: str) -> Iterator[str]:
    tests = TEST.findall(shown)
    if (not tests and not shown.startswith(("does not apply: ", "comes with "))) or shown.count("::test_") != len(
        tests
    ):
        yield f"{number}, {lesson}: {shown}"
    for path, group, name in tests:
        source = (ROOT / path).read_text() if (ROOT / path).exists() else ""
        found = re.search(rf"^{'    ' if group else ''}(async )?def {name}\(", source, re.MULTILINE)
        if not found or (group and f"class {group[:-2]}:" not in source):
            yield f"{number}: {path}::{group}{name}"
