"""Processes of the soak. Rule: engines keep their port and their journal for life, however often they die."""

import asyncio
import json
import signal
import subprocess
import urllib.request
from pathlib import Path

import psutil

from backends.engine.journal import Line, read
from bench.process import ROOT, answers, free_ports, python

MODEL = "m"
PACE = 20  # tokens per second of each stream
CONFIG = """
server: {{port: {port}, max_queue: {queue}}}
admin: {{port: {admin}}}
telemetry: {{log: debug}}
defaults:
  timeouts: {{connect: 1s, response: 8s, ttft: 2s, stream_idle: 2s, total: 60s}}
  hedge: {{enabled: true, budget: 5%}}
  breaker: {{open_for: 2s}}
deployments:
  pool: {{provider: vllm, model: m, endpoints: [{pool}], weights: w, scrape: 500ms}}
  cloud: {{provider: openai_compatible, model: m, base_url: "{cloud}/v1", weights: w}}
models: {{m: {{deployments: [pool, cloud], policy: least_busy}}}}
"""


class Engine:
    """One embedded engine."""

    def __init__(self, directory: Path, name: str) -> None:
        (self.port,) = free_ports(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.journal = directory / f"{name}.journal"
        self._log = (directory / f"{name}.log").open("ab")
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        flags = ["--port", str(self.port), "--model", MODEL, "--tokens-per-second", str(PACE)]
        command = python("gateway.cli", "engine", *flags, "--journal", str(self.journal))
        self._process = subprocess.Popen(command, cwd=ROOT, stdout=self._log, stderr=self._log, start_new_session=True)

    async def ready(self) -> None:
        while not await asyncio.to_thread(answers, f"{self.url}/health"):
            await asyncio.sleep(0.1)

    def signal(self, number: int) -> None:
        assert self._process is not None
        if self._process.poll() is None:
            self._process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait()

    async def arm(self, fault: dict[str, object] | None) -> None:
        """One more fault; None: none any more. An engine that does not answer is not told."""
        await asyncio.to_thread(self._ask, fault)

    def _ask(self, fault: dict[str, object] | None) -> None:
        data = None if fault is None else json.dumps(fault).encode()
        request = urllib.request.Request(f"{self.url}/fault", data, method="DELETE" if fault is None else "POST")
        try:
            urllib.request.urlopen(request, timeout=2).close()
        except OSError:
            pass

    def lines(self) -> list[Line]:
        return read(self.journal)


class Gateway:
    """`cloverleaf serve`, as a user runs it."""

    def __init__(self, directory: Path, pool: list[Engine], cloud: Engine) -> None:
        self.port, self.admin = free_ports(2)
        self.log = directory / "gateway.log"
        self._config = directory / "cloverleaf.yaml"
        self._urls = ", ".join(f'"{engine.url}"' for engine in pool)
        self._cloud = cloud.url
        self._reloads = 0

    def configure(self) -> None:
        """The configuration, each time a little different."""
        self._reloads += 1
        text = CONFIG.format(
            port=self.port, admin=self.admin, pool=self._urls, cloud=self._cloud, queue=1000 + self._reloads
        )
        new = self._config.with_suffix(".new")
        new.write_text(text)
        new.replace(self._config)

    async def start(self) -> None:
        self.configure()
        with self.log.open("wb") as log:
            command = python("gateway.cli", "serve", str(self._config))
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=log, start_new_session=True
            )
        self.process = psutil.Process(self._process.pid)
        while not await asyncio.to_thread(answers, f"http://127.0.0.1:{self.admin}/ready"):
            await asyncio.sleep(0.1)

    def reload(self) -> None:
        self.configure()
        self._process.send_signal(signal.SIGHUP)

    def gauges(self) -> dict[str, float]:
        """What its /metrics says, by name and labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.admin}/metrics", timeout=10) as answer:
            lines = answer.read().decode().splitlines()
        pairs = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return {name: float(value) for name, _, value in pairs}

    def connections(self) -> int:
        """Its connections, in either direction."""
        return sum(each.status == psutil.CONN_ESTABLISHED for each in self.process.net_connections("tcp"))

    def rss_mib(self) -> float:
        return float(self.process.memory_info().rss) / 2**20

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=40)
        finally:
            self._process.kill()
