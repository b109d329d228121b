"""`cloverleaf serve` as a user runs it. Rule: one command, free ports; what it says is read, never guessed."""

import asyncio
import os
import re
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import msgspec

LIMIT = 60.0  # seconds for what takes one, unless the machine is busy
COMMAND = (sys.executable, "-m", "gateway.cli")


class Serving:
    """A running gateway. ``errors`` is the file its stderr goes to."""

    def __init__(self, process: asyncio.subprocess.Process, errors: Path) -> None:
        self._process = process
        self.errors = errors
        self.said = ""
        self.url = self.admin = ""

    async def ready(self) -> None:
        """Read on until it has greeted."""
        assert self._process.stdout is not None
        async with asyncio.timeout(LIMIT):
            while "print(answer" not in self.said:
                line = await self._process.stdout.readline()
                assert line, f"it ended: {self.errors.read_text()}"
                self.said += line.decode()
        self.url, self.admin = re.findall(r"(http://[\w.:]+\d)/?$", self.said, re.MULTILINE)[:2]

    @property
    def pid(self) -> int:
        return self._process.pid

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def exit(self) -> int:
        async with asyncio.timeout(LIMIT):
            return await self._process.wait()

    async def stop(self) -> None:
        """End it if it still runs: told twice, it does not wait for what is under way."""
        for _ in range(2):
            if self._process.returncode is None:
                self.signal(signal.SIGTERM)
        try:
            await self.exit()
        finally:
            self.kill()

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()

    def lines(self) -> list[dict[str, Any]]:
        """Every line of the log; one that is not JSON fails."""
        return [msgspec.json.decode(line) for line in self.errors.read_text().splitlines()]

    async def logged(self, event: str, text: str = "") -> dict[str, Any]:
        """The first line of that event that holds the text, when it is there."""
        async with asyncio.timeout(LIMIT):
            while True:
                for line in self.lines():
                    if line["event"] == event and text in str(line.get("message", "")):
                        return line
                await asyncio.sleep(0.05)


@asynccontextmanager
async def serving(directory: Path, config: str | None, *options: str) -> AsyncIterator[Serving]:
    """It serves this configuration (None: the one it brings), from the file cloverleaf.yaml in the directory."""
    if config is not None:
        (directory / "cloverleaf.yaml").write_text(config)
    errors = directory / "stderr"
    with errors.open("wb") as stderr:
        process = await asyncio.create_subprocess_exec(
            *COMMAND, "serve", "--port", "0", "--admin-port", "0", *options,
            cwd=directory, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=stderr,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
        )  # fmt: skip
    made = Serving(process, errors)
    try:
        await made.ready()
        yield made
    finally:
        await made.stop()


async def run(directory: Path, *arguments: str) -> tuple[int, str, str]:
    """A command to its end: exit status, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments,
        cwd=directory, stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    async with asyncio.timeout(LIMIT):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


def asked(model: str = "demo", **fields: object) -> dict[str, object]:
    return {"model": model, "messages": [{"role": "user", "content": "Hello"}], **fields}


async def chat(http: httpx.AsyncClient, url: str, **fields: Any) -> httpx.Response:
    return await http.post(f"{url}/v1/chat/completions", json=asked(**fields))
