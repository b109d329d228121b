"""The page about policies is true: its example loads, and it leaves out no preset and no part."""

import re
from pathlib import Path

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


def test_every_preset_has_its_paragraph_with_when_to_use_it_and_its_picture() -> None:
    for kind in PRESETS:
        (paragraph,) = re.findall(rf"^\*\*`{kind}`\*\*.*?(?=\n\n(?:\*\*|#))", PAGE, re.DOTALL | re.MULTILINE)
        assert "*Use it*" in paragraph, kind
        assert f"(pictures/policy-{kind}.svg)" in paragraph, kind
        assert (DOCS / f"pictures/policy-{kind}.svg").exists(), kind


def test_every_part_has_its_row_and_every_steering_field_is_named() -> None:
    tags = [part.__struct_config__.tag for part in (*FILTERS, *SCORERS, *PICKERS)]
    assert not [tag for tag in tags if f"\n| `{tag}` |" not in PAGE]
    fields = (*Preferences.__struct_fields__, *MaxPrice.__struct_fields__)
    assert not [field for field in fields if not re.search(rf"\b{field}\b", PAGE.split("## Steering")[1])]
