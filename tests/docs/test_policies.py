"""The page about policies is true: its example loads, and it leaves out no preset and no part."""

import re
from pathlib import Path

import pytest

from gateway.config.names import PRESETS
from policies.selection.filters import FILTERS
from policies.selection.pickers import PICKERS
from policies.selection.scorers import SCORERS
from policies.selection.steering import MaxPrice, Preferences
from tests.contracts.serving import configured

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "policies.md").read_text()


def test_the_examples_are_valid() -> None:
    composed, judged = re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert configured(composed).models["m"].policy == "mine"
    assert configured(judged).models["chat"].policy == "sparing"


@pytest.mark.parametrize("kind", sorted(PRESETS))
def test_every_preset_has_its_paragraph_with_when_to_use_it_and_its_picture(kind: str) -> None:
    (paragraph,) = re.findall(rf"^\*\*`{kind}`\*\*.*?(?=\n\n(?:\*\*|#))", PAGE, re.DOTALL | re.MULTILINE)
    assert "*Use it*" in paragraph
    assert f"(pictures/policy-{kind}.svg)" in paragraph
    assert (DOCS / f"pictures/policy-{kind}.svg").exists()


@pytest.mark.parametrize("part", [*FILTERS, *SCORERS, *PICKERS], ids=lambda part: part.__name__)
def test_every_part_has_its_row(part: type) -> None:
    assert f"\n| `{part.__struct_config__.tag}` |" in PAGE  # type: ignore[attr-defined]


@pytest.mark.parametrize("field", [*Preferences.__struct_fields__, *MaxPrice.__struct_fields__])
def test_every_steering_field_is_named(field: str) -> None:
    assert re.search(rf"\b{field}\b", PAGE.split("## Steering")[1])
