"""`cloverleaf engine` as a process."""

import argparse
import asyncio
import signal
import sys
from urllib.request import urlopen

import pytest

from backends.engine.command import add_arguments, run

PROGRAM = """
import argparse, sys
from backends.engine.command import add_arguments, run
parser = argparse.ArgumentParser()
add_arguments(parser)
sys.exit(run(parser.parse_args()))
"""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_replicas_announce_themselves_and_end_cleanly(number: signal.Signals) -> None:
    flags = ["--port", "0", "--replicas", "2", "--model", "tiny", "--num-blocks", "9000", "--tokens-per-second", "5"]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, *flags, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    urls = []
    for _ in range(2):
        line = (await process.stdout.readline()).decode()
        assert line.endswith(" model=tiny\n")
        urls.append(line.split()[2])
    assert len(set(urls)) == 2
    for url in urls:
        metrics = await asyncio.to_thread(lambda url=url: urlopen(f"{url}/metrics").read())
        assert b'num_gpu_blocks="9000"' in metrics
    process.send_signal(number)
    _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        (["--num-blocks", "10"], "max_model_len"),
        (["--fault", "{"], "engine:"),
        (["--fault", '{"kind":"explode"}'], "explode"),
        (["--speed", "0"], "speed"),
    ],
)
def test_flags_that_make_no_sense_end_with_2(flags: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    assert run(parser.parse_args(flags)) == 2
    assert says in capsys.readouterr().err
