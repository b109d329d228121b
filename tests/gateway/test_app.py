"""The app: what a reload moves, and what it leaves where it cannot; nothing runs beside it before it serves."""

import subprocess
import sys
from pathlib import Path

from tests.contracts.client import ask, chat
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import configured, running, single, until

LEDGER = 'telemetry: {{ledger: "{}"}}'


async def test_a_ledger_that_could_not_be_opened_is_opened_by_the_next_reload(tmp_path: Path) -> None:
    first, second = tmp_path / "first.db", tmp_path / "second.db"
    async with upstream(whole(ANSWER)) as up, running(single(up.url, LEDGER.format(first))) as gateway:
        old, moved = gateway.gateway.ledger, configured(single(up.url, LEDGER.format(second)))
        second.write_bytes(b"this is no ledger, and long enough that nobody could take it for an empty one" * 20)
        await gateway.app.swap(moved)
        assert gateway.gateway.ledger is old
        second.unlink()
        await gateway.app.swap(moved)
        ledger = gateway.gateway.ledger
        assert ledger is not None and ledger is not old
        assert (await ask(gateway.port, chat("m"))).status == 200
        await until(lambda: ledger.written == 1)


BEFORE_SERVING = """
import os, pathlib, pkgutil, importlib, sys
import backends, gateway, policies
for room in (policies, backends, gateway):
    for module in pkgutil.walk_packages(room.__path__, room.__name__ + "."):
        if module.name.rpartition(".")[2] != "__main__":
            importlib.import_module(module.name)
from gateway.catalog.catalog import compile_catalog
from gateway.catalog.credential_refresh import CredentialRefresher
from gateway.config import load
from gateway.recording.log import Log
from gateway.state.live_state import LiveState
config = load(pathlib.Path(sys.argv[1]))
log = Log(config.telemetry.log)
log.event("warning", "config", "kept until it serves")
LiveState().follow(compile_catalog(config, {}, CredentialRefresher()).topology)
print(len(os.listdir("/proc/self/task")))
"""


def test_no_thread_starts_before_serving(tmp_path: Path) -> None:
    file = tmp_path / "cloverleaf.yaml"
    file.write_text(single("http://127.0.0.1:1", LEDGER.format(tmp_path / "ledger.db")))
    made = subprocess.run([sys.executable, "-c", BEFORE_SERVING, file], capture_output=True, text=True, check=True)
    assert made.stdout.split() == ["1"]
