"""The page about clouds says what the code does."""

import re

from backends.providers import PROVIDERS
from tests.docs.clouds import PAGE, written


def test_the_table_is_the_code_s() -> None:
    page = PAGE.read_text()
    assert page == written(page), "write it with: python -m tests.docs.clouds"


def test_every_provider_has_a_configuration() -> None:
    """There or on the page that leads to it; that each loads is tests/docs/test_examples.py."""
    pages = PAGE.read_text() + PAGE.with_name("providers.md").read_text()
    shown = {name.rstrip(",") for name in re.findall(r"provider: ([\w]+)(?:,|\n)", pages)}
    assert shown == {provider.name for provider in PROVIDERS}
