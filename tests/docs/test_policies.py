"""The page about policies is true: its example loads, and it leaves out no preset and no part."""

import re
from pathlib import Path

from gateway.config.names import PRESETS
from policies.selection.steering import MaxPrice, Preferences
from tests.contracts.serving import configured
from tests.docs.part_tables import BEGIN, END, tables

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


def test_the_tables_of_parts_are_made_from_the_code() -> None:
    shown = PAGE[PAGE.index(BEGIN) : PAGE.index(END) + len(END)]
    assert shown == tables(), "make them anew with: python -m tests.docs.part_tables"


def test_every_steering_field_is_named() -> None:
    fields = (*Preferences.__struct_fields__, *MaxPrice.__struct_fields__)
    assert not [field for field in fields if not re.search(rf"\b{field}\b", PAGE.split("## Steering")[1])]
