"""`cloverleaf status`: the same truth as the console's, in a terminal; and one clear line where there is none."""

import asyncio
import io
import os
import pty
import signal
import socket
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from gateway.commands.status import add_arguments, run
from gateway.commands.status_view import UNKNOWN, blocks, dollars, duration, number, percent, picture
from gateway.config.admin_token import VARIABLE
from gateway.reporting.cost_rate import Money
from gateway.reporting.report import Alert, DeploymentStatus, EndpointStatus, Report
from gateway.reporting.traffic_stats import Now, Quantiles, TrafficRate
from tests.contracts.scripted import ANSWER, upstream, whole
from tests.contracts.serving import admin, running, single, until
from tests.e2e.process import COMMAND
from tests.e2e.process import run as command

QUICK = Quantiles(0.12, 0.45, 0.9, 40)
UP = EndpointStatus("http://gpu-1:8000", True, 3, 900, 3.0, 1.0, 0.4, 100.0, 25.0, False, 0.0, {})
FLOW = TrafficRate(2.5, 0.75, 0.0, 300.0, 120.0, QUICK, QUICK, QUICK, 4.2)


def report(*endpoints: EndpointStatus) -> Report:
    places = [
        DeploymentStatus("pool", "vllm", "m", list(endpoints or [UP]), True),
        DeploymentStatus("cloud", "x", "m", []),
    ]
    now = Now(60.0, 150, FLOW, {"pool": FLOW}, Money(4.2, 0.8, 9.0))
    alerts = [Alert("warning", "endpoint_down", "pool http://gpu-2:8000", "Down: it takes no requests.", 75.0)]
    return Report("0.1.0", 3700.0, True, "", 3, {"m": [["pool"]]}, places, now=now, alerts=alerts, waiting=2)


def drawn(made: Report, history: tuple[float, ...] = (), trouble: str = "") -> str:
    out = io.StringIO()
    Console(file=out, width=130).print(picture(made, history, trouble))
    return out.getvalue()


def test_a_picture_holds_what_the_report_says() -> None:
    text = drawn(report(), (0.0, 1.0, 2.0), "Not connected")
    for words in (
        "cloverleaf 0.1.0  ready  3 in flight, 2 waiting, up 1 h 1 min", "Not connected", "▲ pool http://gpu-2:8000",
        "Down: it takes no requests.  1 min", "1 h 1 min  ▁▅█", "120 ms 450 ms", "5.00", "9.00", "75 %", "40 %", "25 %",
    ):  # fmt: skip
        assert words in text, words


def test_a_narrow_terminal_shows_all_of_it() -> None:
    out = io.StringIO()
    Console(file=out, width=80).print(picture(report(), [1.0] * 24))
    assert "…" not in out.getvalue() and "120 ms 450 ms" in out.getvalue()


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"up": False}, "down"),
        ({"breakers": {"chat": "half_open"}}, "chat breaker half-open"),
        ({"sleeping": True}, "asleep"),
        ({"cooling": 2.5}, "cooling 2.5 s"),
        ({"stale": True, "running": None, "kv_usage": None, "prefix_hits": None}, "load unknown"),
    ],
)
def test_a_state_is_a_word(changed: dict[str, object], word: str) -> None:
    assert word in drawn(report(replace(UP, **changed)))


def test_a_report_of_before_the_traffic_was_told_is_still_drawn() -> None:
    old = msgspec.json.decode(msgspec.json.encode(report()))
    for added in ("now", "alerts", "time", "waiting", "url", "keys"):
        del old[added]
    assert "pool" in drawn(msgspec.convert(old, Report))


def test_figures_have_three_digits_and_a_dash_where_nothing_is_known() -> None:
    assert [number(each) for each in (None, 0.0, 0.123, 12.34, 1234.5)] == [UNKNOWN, "0", "0.12", "12.3", "1,234"]
    assert [percent(each) for each in (None, 0.0, 0.0123, 0.5, 1.0)] == [UNKNOWN, "0 %", "1.2 %", "50 %", "100 %"]
    assert [dollars(each) for each in (None, 0.0, 0.00123, 12.3)] == [UNKNOWN, "0.00", "0.0012", "12.30"]
    assert [duration(each) for each in (5.0, 65.0, 7300.0, 90000.0)] == ["5 s", "1 min", "2 h 1 min", "1 d 1 h"]
    assert (blocks([]), blocks([0.0, 0.0])) == ("", "▁▁")


@pytest.fixture
def said(capsys: pytest.CaptureFixture[str]) -> object:
    def status(*arguments: str) -> tuple[int, str, str]:
        parser = ArgumentParser()
        add_arguments(parser)
        code = run(parser.parse_args(arguments))
        return code, *capsys.readouterr()

    return status


async def test_one_look_as_text_as_json_and_as_a_picture(tmp_path: Path) -> None:
    more = "admin: {token: secret}\n"
    async with upstream(whole(ANSWER)) as up, running(single(up.url, more)) as gateway, admin(gateway) as client:
        url = str(client.base_url)
        told = await command(tmp_path, "status", "--url", url, "--token", "secret")
        assert told[0] == 0 and "cloverleaf" in told[1] and up.url in told[1] and told[2] == ""
        as_json = await command(tmp_path, "status", "--url", url, "--token", "secret", "--json")
        assert msgspec.json.decode(as_json[1], type=Report).deployments[0].name == "d"
        assert (await command(tmp_path, "status", "--url", url, "--token", "secret", "--svg", "a.svg"))[0] == 0
        drawn = (tmp_path / "a.svg").read_text()
        assert drawn.startswith("<svg") and "url(" not in drawn.replace("url(#", "")  # nothing is fetched to show it


async def test_in_a_terminal_it_follows_and_goes_on_when_the_gateway_is_gone(tmp_path: Path) -> None:
    shown = bytearray()
    screen, child = pty.openpty()
    async with running(single("http://127.0.0.1:9")) as gateway:
        async with admin(gateway) as client:
            told = {"PYTHONPATH": str(Path(__file__).parents[3]), "TERM": "xterm", "COLUMNS": "160"}
            process = await asyncio.create_subprocess_exec(
                *COMMAND, "status", "--url", str(client.base_url),
                cwd=tmp_path, stdin=child, stdout=child, stderr=child, env={**os.environ, **told},
                preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # jobs in the background ignore it
            )  # fmt: skip
            os.close(child)
            asyncio.get_running_loop().add_reader(screen, lambda: shown.extend(os.read(screen, 65536)))
            await until(lambda: b"deployment" in shown and b"not ready" not in shown)
            gateway.gateway.live.healthy(("d", "http://127.0.0.1:9"), False)
            await until(lambda: b"no endpoint is up" in shown)
        await until(lambda: b"Not connected, trying again" in shown)
        process.send_signal(signal.SIGINT)
        assert await process.wait() == 0
    asyncio.get_running_loop().remove_reader(screen)
    os.close(screen)
    assert b"Traceback" not in shown


async def test_the_token_comes_from_the_environment_and_a_wrong_one_is_said(
    said: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert callable(said)
    async with running(single("http://127.0.0.1:9", "admin: {token: secret}\n")) as gateway, admin(gateway) as client:
        url = str(client.base_url)
        code, out, err = await asyncio.to_thread(said, "--url", url, "--once")
        assert (code, out) == (2, "") and VARIABLE in err and err.count("\n") == 1
        monkeypatch.setenv(VARIABLE, "secret")
        assert (await asyncio.to_thread(said, "--url", url, "--once"))[0] == 0
        assert (await asyncio.to_thread(said, "--url", url, "--once", "--token", "wrong"))[0] == 2


@contextmanager
def answering(words: bytes) -> Iterator[str]:
    """A server that is no gateway."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            connection, _ = server.accept()
            connection.recv(65536)
            connection.sendall(words)
            connection.close()

        thread = threading.Thread(target=answer, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}"
        thread.join()


@pytest.mark.parametrize(
    ("words", "said_of_it"),
    [
        (b"HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "answers 404"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}", "is no gateway's admin port"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello", "is no gateway's admin port"),
        (b"SSH-2.0-what\r\n", "no gateway answers"),
        (b"", "no gateway answers"),
    ],
)
def test_what_is_no_gateway_is_said_in_one_line(said: object, words: bytes, said_of_it: str) -> None:
    assert callable(said)
    with answering(words) as url:
        code, out, err = said("--url", url, "--once")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert said_of_it in err and "Traceback" not in err


@pytest.mark.parametrize("url", ["http://127.0.0.1:9", "ftp://here", "http://no such host/", "here:8081"])
def test_what_cannot_be_reached_is_said_in_one_line(said: object, url: str) -> None:
    assert callable(said)
    code, out, err = said("--url", url, "--once")
    assert (code, out, err.count("\n")) == (2, "", 1)
