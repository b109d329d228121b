"""What holds for every test, and how long each part of them took."""

from collections import defaultdict

import pytest
from hypothesis import HealthCheck, settings

# A busy machine is no failure.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Seconds by folder, of all processes together."""
    taken: dict[str, float] = defaultdict(float)
    for report in (each for reports in terminalreporter.stats.values() for each in reports):
        if isinstance(report, pytest.TestReport):
            taken[report.nodeid.split("/")[1].partition("::")[0]] += report.duration
    if sum(taken.values()) > 60:
        parts = sorted(taken.items(), key=lambda part: -part[1])
        terminalreporter.write_line(", ".join(f"{part} {seconds:.0f} s" for part, seconds in parts))
