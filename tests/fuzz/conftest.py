"""Fuzzing. Rule: inputs follow from a seed; how many there were is told at the end.

FUZZ=10 in the environment makes ten times as many, and FUZZ_SEED=2 others.
"""

import os
from collections.abc import Callable, Iterator
from random import Random

import pytest

from tests.contracts.conftest import pytest_asyncio_loop_factories

__all__ = ["pytest_asyncio_loop_factories"]
INPUTS = "hostile inputs"


def factor() -> float:
    return float(os.environ.get("FUZZ", "1"))


@pytest.fixture
def rounds(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> "Rounds":
    return Rounds(request.node.nodeid, record_property)


class Rounds:
    """``for random in rounds(1000)``: so many rounds, each with a seeded source of its own."""

    def __init__(self, name: str, record: Callable[[str, object], None]) -> None:
        self._seed = f"{name}/{os.environ.get('FUZZ_SEED', '1')}"
        self._record = record

    def __call__(self, count: int) -> Iterator[Random]:
        count = int(count * factor())
        for number in range(count):
            yield Random(f"{self._seed}/{number}")
        self._record(INPUTS, count)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    counts: dict[str, int] = {}
    for report in terminalreporter.stats.get("passed", []):
        for key, value in getattr(report, "user_properties", ()):
            if key == INPUTS and report.when == "call":
                counts[report.nodeid.partition("::")[2]] = int(str(value))
    if counts:
        terminalreporter.section(f"{sum(counts.values())} {INPUTS}")
        for name, count in counts.items():
            terminalreporter.write_line(f"{count:8d}  {name}")
