"""A measured process. Rule: its CPU is what the kernel charged it and its living children, and it always ends."""

import contextlib
import ctypes
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType

import psutil

ROOT = Path(__file__).resolve().parent.parent
START_LIMIT = 90.0  # seconds; the slowest peer needs about fifteen
STOP_LIMIT = 10.0
MIB = 1 << 20


def free_port() -> int:
    (port,) = free_ports(1)
    return port


def free_ports(count: int) -> list[int]:
    """All different: they are free at the same time."""
    with contextlib.ExitStack() as held:
        probes = [held.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [int(probe.getsockname()[1]) for probe in probes]


def cpu_seconds(pid: int) -> float:
    """User and system time of a process in nanosecond steps: /proc/PID/stat has the same sum in steps of 10 ms."""
    clock = ctypes.c_int()
    if error := ctypes.CDLL(None).clock_getcpuclockid(pid, ctypes.byref(clock)):
        raise OSError(error, os.strerror(error))
    return time.clock_gettime_ns(clock.value) / 1e9


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=1) as response:
            return bool(response.status == 200)
    except (OSError, urllib.error.URLError):
        return False


class Process:
    """A context: started on entry and ready, ended on exit with all it forked."""

    def __init__(self, command: list[str], environment: dict[str, str], ready: str, log: Path) -> None:
        self.command = command
        self.environment = {**os.environ, **environment}
        self.ready = ready
        self.log = log
        self.members: list[psutil.Process] = []  # as of readiness; they may outlive a parent that died

    def __enter__(self) -> "Process":
        started = time.monotonic()
        with self.log.open("wb") as output:
            self.process = subprocess.Popen(
                self.command,
                cwd=ROOT,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,  # Ctrl-C is for the runner, which ends its processes in order
            )
        try:
            while not answers(self.ready):
                if self.process.poll() is not None or time.monotonic() - started > START_LIMIT:
                    raise ChildProcessError(self.last_words())
                time.sleep(0.01)
        except BaseException:
            self.stop()
            raise
        self.start_seconds = time.monotonic() - started
        self.members = self.family()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def family(self) -> list[psutil.Process]:
        try:
            process = psutil.Process(self.process.pid)
            return [process, *process.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def cpu(self) -> float:
        return sum(cpu_seconds(member.pid) for member in self.family())

    def rss_mib(self) -> float:
        return sum(float(member.memory_info().rss) for member in self.family()) / MIB

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines()
        return lines[-1][:200] if lines else "no output"

    def stop(self) -> None:
        """SIGTERM to the parent, whose children are its own to end; what it leaves behind is killed."""
        family = {*self.members, *self.family()}
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(STOP_LIMIT)
        for member in family:
            with contextlib.suppress(psutil.NoSuchProcess):
                member.kill()
        psutil.wait_procs(family, timeout=STOP_LIMIT)
        self.process.wait()


def python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]
