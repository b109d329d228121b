"""The page about clouds says what the code does."""

from typing import get_args

from gateway.config.deployment import Provider
from tests.docs.clouds import PAGE, written


def test_the_table_is_the_code_s() -> None:
    page = PAGE.read_text()
    assert page == written(page), "write it with: python -m tests.docs.clouds"


def test_every_provider_has_a_configuration() -> None:
    page = PAGE.read_text()
    elsewhere = {"vllm", "openai", "openai_compatible", "embedded", "anthropic", "gemini", "vertex"}
    assert not [name for name in get_args(Provider) if f"provider: {name}," not in page and name not in elsewhere]
