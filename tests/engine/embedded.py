"""The embedded engine as a server of its own: the cloud behind a pool, or the upstream of another suite."""

import sys
from pathlib import Path

from tests.engine.process import Server, free_port


class Embedded(Server):
    """`url` is the server's root."""

    def __init__(self, log: Path, model: str) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "gateway.cli", "engine", "--port", str(port), "--model", model]
        super().__init__(log, command, f"{self.url}/health")
