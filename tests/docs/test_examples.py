"""What the documents show runs: their configurations load, their Python runs against the quickstart."""

import re
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.config import load

ROOT = Path(__file__).parents[2]
DOCUMENTS = sorted([ROOT / "README.md", *ROOT.glob("docs/**/*.md")])
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ACCOUNT = '{"type": "metadata_server", "project_id": "p"}'
VARIABLE = re.compile(r"\$\{(\w+)\}")


def blocks(language: str) -> list[tuple[str, str]]:
    found = [
        (f"{path.relative_to(ROOT)}-{number}", text)
        for path in DOCUMENTS
        for number, (kind, text) in enumerate(BLOCK.findall(path.read_text()))
        if kind == language
    ]
    assert found, f"no {language} block in any document: is the pattern right?"
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def quickstart() -> Iterator[str]:
    """The quickstart on a free port; its public URL."""
    port, admin = free_port(), free_port()
    command = [sys.executable, "-m", "gateway.cli", "serve", "config/quickstart.yaml"]
    server = subprocess.Popen([*command, "--port", str(port), "--admin-port", str(admin)], cwd=ROOT)
    try:
        _wait_until_ready(f"http://127.0.0.1:{admin}/ready", server)
        yield f"http://127.0.0.1:{port}"
    finally:
        server.terminate()
        server.wait(30)


def _wait_until_ready(url: str, server: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while True:
        assert server.poll() is None, "the quickstart ended"
        try:
            urllib.request.urlopen(url, timeout=5).close()
            return
        except OSError:
            assert time.monotonic() < deadline, "the quickstart was not ready within a minute"
            time.sleep(0.1)


@pytest.mark.parametrize(("name", "text"), blocks("yaml"), ids=lambda value: value if len(value) < 60 else "")
def test_a_configuration_in_the_documents_loads(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / "example.yaml"
    path.write_text(text)
    if "models:" in text:  # a whole configuration, not one section of it
        environ = dict.fromkeys(VARIABLE.findall(text), "sk-anything") | {"GOOGLE_ACCOUNT": ACCOUNT}
        assert load(path, environ).models


def test_the_python_in_the_readme_answers(quickstart: str) -> None:
    python = [text for name, text in blocks("python") if name.startswith("README")]
    assert python
    for text in python:
        ran = subprocess.run(
            [sys.executable, "-c", text.replace("http://127.0.0.1:8080", quickstart)],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert ran.returncode == 0, ran.stderr
        assert ran.stdout.strip()


def test_the_paths_the_documents_link_to_exist() -> None:
    for path in DOCUMENTS:
        for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", path.read_text()):
            assert (path.parent / target).exists(), f"{path.relative_to(ROOT)} links to {target}"
