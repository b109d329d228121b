"""Run the openai SDK's own tests against the gateway, in strict mode. Usage: python -m tests.sdk.run

Rule: the suite is fetched, never copied here; the SDK's strict client judges every field of every answer. What is not
run is listed in skips.toml with its reason.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from importlib.metadata import version
from pathlib import Path
from xml.etree import ElementTree

from tests.engine.embedded import Embedded
from tests.engine.gateway import Gateway
from tests.engine.process import Server, free_port
from tests.sdk.answers import MODEL
from tests.sdk.upstream import KEY

HERE = Path(__file__).parent
# The families that are served. What else the suite has (stored items, voices, files, batches, …) has no endpoint here.
FILES = [
    "chat/test_completions.py",
    "test_completions.py",
    "test_embeddings.py",
    "test_models.py",
    "test_responses.py",
    "test_moderations.py",
    "test_images.py",
    "audio/test_speech.py",
    "audio/test_transcriptions.py",
    "audio/test_translations.py",
]
# The key and the models are those the suite uses; what it asks of no model in particular, "*" catches.
CONFIG = """
auth: {{keys: [{{name: sdk, key: "My API Key", models: ["*"]}}]}}
deployments:
  engine: {{provider: vllm, model: demo, endpoints: ["{engine}"]}}
  openai:
    {{provider: openai_compatible, model: {model}, base_url: "{upstream}/v1", api_key: {key}, native: [responses]}}
models:
  gpt-3.5-turbo-instruct: {{deployments: [engine]}}
  text-embedding-3-small: {{deployments: [engine]}}
  gpt-6-astra: {{deployments: [openai]}}
  "*": {{deployments: [openai]}}
"""


class Upstream(Server):
    def __init__(self, log: Path) -> None:
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        super().__init__(log, [sys.executable, "-m", "tests.sdk.upstream", str(port)], self.url)


def run_suite(home: Path, gateway: Gateway, report: Path) -> int:
    """The suite's own exit status; its results by test in `report`."""
    tests = [f"tests/api_resources/{file}" for file in FILES]
    options = [
        "-o",
        "addopts=",
        "-p",
        "no:cacheprovider",
        "-p",
        "skips",
        "--timeout",
        "60",
        "-n",
        "auto",
        "-q",
        "--tb",
        "short",
    ]
    pytest = [str(home / "venv/bin/python"), "-m", "pytest"]
    env = {**os.environ, "PYTHONPATH": str(HERE), "TEST_API_BASE_URL": f"{gateway.url}/v1"}
    command = [*pytest, *options, "--junitxml", str(report), *tests]
    return subprocess.run(command, cwd=home / "source", env=env, stdin=subprocess.DEVNULL, check=False).returncode


def print_counts(report: Path) -> None:
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for case in ElementTree.parse(report).iter("testcase"):
        outcome = next((child.tag for child in case if child.tag in {"failure", "error", "skipped"}), "passed")
        module = case.attrib["classname"].removeprefix("tests.api_resources.").rpartition(".")[0]
        counts[module][outcome] += 1
    print(f"{'':28}{'passed':>8}{'failed':>8}{'skipped':>8}")
    for module, count in [*counts.items(), ("all", sum(counts.values(), Counter[str]()))]:
        print(f"{module:28}{count['passed']:8}{count['failure'] + count['error']:8}{count['skipped']:8}")


def main() -> int:
    home = Path(subprocess.check_output([HERE / "install.sh", version("openai")], text=True).strip())
    with tempfile.TemporaryDirectory() as temporary:
        logs = Path(temporary)
        engine, upstream = Embedded(logs / "engine.log", "demo"), Upstream(logs / "upstream.log")
        gateway = Gateway(logs, CONFIG.format(engine=engine.url, upstream=upstream.url, model=MODEL, key=KEY))
        servers = (engine, upstream, gateway)
        try:
            for server in servers:
                server.start()
                server.wait_healthy()
            status = run_suite(home, gateway, logs / "report.xml")
            print_counts(logs / "report.xml")
        finally:
            for server in servers:
                server.kill()
    return status


if __name__ == "__main__":
    sys.exit(main())
