"""One server under test. Rule: it lives in a process group of its own, and ends with everything it has started."""

import os
import random
import signal
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import httpx

START_LIMIT = 300.0  # seconds; an engine imports for 30 to 60 of them on two idle cores
TAIL = 8000  # characters of a log that are worth reading after a failure


def free_port() -> int:
    """A port nobody uses, below those the kernel gives to outgoing connections: it stays free until it is used."""
    for port in random.sample(range(20000, 32000), 100):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port")


class Server:
    """`url` is its root; `health` answers 200 once it can work; the log is appended to over restarts."""

    url: str

    def __init__(self, log: Path, command: Sequence[str], health: str, env: Mapping[str, str] | None = None) -> None:
        self.log = log
        self.health = health
        self._command = command
        self._env = {**os.environ, **(env or {})}
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it, or start it again; what was left of it is ended first."""
        self.kill()
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._env,
                start_new_session=True,
            )

    def wait_healthy(self) -> None:
        assert self._process is not None
        deadline = time.monotonic() + START_LIMIT
        while not self.is_healthy():
            if self._process.poll() is not None:
                raise RuntimeError(f"{self.log.stem} exited with {self._process.returncode}:\n{self.tail()}")
            if time.monotonic() > deadline:
                raise RuntimeError(f"{self.log.stem} was not healthy within {START_LIMIT:.0f} s:\n{self.tail()}")
            time.sleep(0.1)

    def is_healthy(self) -> bool:
        try:
            return httpx.get(self.health, timeout=10).is_success
        except httpx.TransportError:
            return False

    @property
    def pid(self) -> int:
        """Also the group's id."""
        assert self._process is not None
        return self._process.pid

    def kill(self) -> None:
        """As if the machine lost power: nothing in the group says goodbye."""
        if self._process is None:
            return
        try:
            os.killpg(self._process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self._process.wait()

    def freeze(self) -> None:
        """Nothing in the group does another thing, until it is thawed or killed."""
        os.killpg(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Those of the group who live go on."""
        try:
            os.killpg(self.pid, signal.SIGCONT)
        except ProcessLookupError:
            pass

    def terminate(self) -> int:
        """Ask it to end, and return its exit status; whatever is left of the group after that is killed."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(timeout=60)
        finally:
            self.kill()

    def tail(self) -> str:
        return self.log.read_text(errors="replace")[-TAIL:]
