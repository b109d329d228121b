"""The pytest plugin that skips what skips.toml lists. Rule: each has a reason, and must fit a test."""

import tomllib
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = "tests/api_resources/"


def name_of(item: pytest.Item) -> str:
    """`chat/test_completions.py::test_method_create[strict]`: without the class."""
    file, *_, test = item.nodeid.removeprefix(ROOT).split("::")
    return f"{file}::{test}"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    skips = tomllib.loads(Path(__file__).with_name("skips.toml").read_text())["skip"]
    for skip in skips:
        matched = [item for item in items if fnmatchcase(name_of(item), skip["tests"])]
        if not matched:
            raise pytest.UsageError(f"skips.toml: nothing matches {skip['tests']!r}")
        for item in matched:
            item.add_marker(pytest.mark.skip(reason=skip["reason"]))
