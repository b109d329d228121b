"""A measured process always ends. Rule: with its children, and with its last words when it never was ready."""

import sys
from pathlib import Path

import psutil
import pytest

from bench.process import Process, free_port

SERVE = """
import http.server, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), http.server.SimpleHTTPRequestHandler).serve_forever()
"""


def test_a_process_ends_with_its_children_even_when_the_run_fails(tmp_path: Path) -> None:
    port = free_port()
    command = [sys.executable, "-c", SERVE, str(port)]
    with (
        pytest.raises(KeyboardInterrupt),
        Process(command, {}, f"http://127.0.0.1:{port}/", tmp_path / "log") as process,
    ):
        family = process.family()
        raise KeyboardInterrupt
    assert len(family) == 2
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)


def test_a_process_that_dies_before_it_is_ready_says_its_last_words(tmp_path: Path) -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such model')"]
    with (
        pytest.raises(ChildProcessError, match="no such model"),
        Process(command, {}, f"http://127.0.0.1:{free_port()}/", tmp_path / "log"),
    ):
        pass
