"""Coverage-guided runs: a process of its own each, since its fuzzer ends the process it runs in."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.fuzz.conftest import INPUTS, factor

pytest.importorskip("atheris", reason="no build of it for this platform")
RUNS = 2_000


@pytest.mark.parametrize("target", ["json_body", "form_body", "stream", "answer", "refusal", "reply"])
def test_inputs_that_reach_new_code(
    target: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    runs = int(RUNS * factor())
    command = [sys.executable, "-m", "tests.fuzz.coverage", target, str(tmp_path), f"-runs={runs}", "-seed=1"]
    ran = subprocess.run([*command, f"-artifact_prefix={tmp_path}/"], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr[-4000:]
    done = re.search(r"Done (\d+) runs", ran.stderr)
    assert done is not None and int(done[1]) == runs
    record_property(INPUTS, runs)
