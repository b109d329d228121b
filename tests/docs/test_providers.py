"""docs/providers.md is current: its table is what the code says."""

from pathlib import Path

from tests.docs.capability_table import BEGIN, END, table

PAGE = Path(__file__).parents[2] / "docs" / "providers.md"


def test_the_capability_table_is_made_from_the_code() -> None:
    text = PAGE.read_text()
    shown = text[text.index(BEGIN) : text.index(END) + len(END)]
    assert shown == table(), "make it anew with: python -m tests.docs.capability_table"
