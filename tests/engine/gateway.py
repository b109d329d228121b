"""The gateway under test. Rule: run as a user runs it, one command and one file; nothing in it knows it is tested."""

import sys
from pathlib import Path

from tests.engine.process import Server, free_port

KEY = "sk-engine-tests"


class Gateway(Server):
    """`url` is the public root, `admin` the operator's."""

    def __init__(self, directory: Path, config: str) -> None:
        port, admin = free_port(), free_port()
        self.url = f"http://127.0.0.1:{port}"
        self.admin = f"http://127.0.0.1:{admin}"
        path = directory / "gateway.yaml"
        path.write_text(config)
        serve = [sys.executable, "-m", "gateway.cli", "serve", str(path)]
        ports = ["--port", str(port), "--admin-port", str(admin)]
        super().__init__(directory / "gateway.log", serve + ports, f"{self.admin}/ready")
