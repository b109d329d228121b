"""What is heavy is imported where it is asked for."""

import subprocess
import sys


def test_a_gateway_without_a_collector_never_imports_the_sdk() -> None:
    heavy = "('opentelemetry', 'requests')"
    code = f"import sys, gateway.server.serve; print([m for m in sys.modules if m.startswith({heavy})])"
    told = subprocess.run((sys.executable, "-c", code), capture_output=True, text=True, check=True)
    assert told.stdout == "[]\n"
