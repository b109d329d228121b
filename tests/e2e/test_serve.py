"""`cloverleaf serve`. Rule: it says when it is ready, what it does, and why it does not; and it ends when told to."""

import asyncio
import signal
import socket
from pathlib import Path

import httpx
import pytest

from tests.e2e.exposition import read
from tests.e2e.process import LIMIT, asked, chat, run, serving

CONFIG = """
deployments: {pool: {provider: embedded, model: demo}}
models: {demo: {deployments: [pool]}}
"""


async def test_without_a_configuration_it_serves_the_quickstart(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with serving(tmp_path, None) as gateway:
        assert gateway.said.startswith(f"cloverleaf is ready on {gateway.url}\n")
        reply = await chat(http, gateway.url, max_tokens=5)
        assert (reply.status_code, reply.headers["x-cloverleaf-deployment"]) == (200, "pool")
        assert (await http.get(f"{gateway.admin}/health")).json() == {"status": "ok"}
        assert (await http.get(f"{gateway.admin}/ready")).json() == {"status": "ready"}
        assert "<html" in (await http.get(f"{gateway.admin}/")).text
        assert (await http.get(f"{gateway.url}/metrics")).status_code == 404
        gateway.signal(signal.SIGTERM)
        assert await gateway.exit() == 0


async def test_each_request_is_one_line_of_json_whatever_is_sent(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with serving(tmp_path, CONFIG) as gateway:
        await chat(http, gateway.url, max_tokens=5)
        await chat(http, gateway.url, model="unknown")
        await http.post(f"{gateway.url}/v1/chat/completions", content=b"{", headers={"upgrade": "h2c"})
        reader, writer = await asyncio.open_connection("127.0.0.1", int(gateway.url.rpartition(":")[2]))
        writer.write(b"\x00 what is this\r\n\r\n")
        await reader.read()
        writer.close()
        gateway.signal(signal.SIGTERM)
        assert await gateway.exit() == 0
        lines = gateway.lines()
    assert [(line["model"], line["status"]) for line in lines if line["event"] == "request"] == [
        ("demo", 200),
        ("", 404),
        ("", 400),
    ]
    assert all(line["time"] > 1e9 for line in lines)


async def test_a_log_that_is_off_is_silent(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with serving(tmp_path, f"{CONFIG}telemetry: {{log: off}}\n") as gateway:
        await chat(http, gateway.url, max_tokens=5)
        await chat(http, gateway.url, model="unknown")
        gateway.signal(signal.SIGTERM)
        assert await gateway.exit() == 0
        assert gateway.errors.read_text() == ""


async def test_metrics_are_what_a_scraper_reads(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with serving(tmp_path, CONFIG) as gateway:
        read((await http.get(f"{gateway.admin}/metrics")).text)
        for fields in ({"max_tokens": 5}, {"max_tokens": 5, "stream": True}, {"model": 'no "such"\\model\n'}):
            await chat(http, gateway.url, **fields)
        metrics = await http.get(f"{gateway.admin}/metrics")
        series = read(metrics.text)
    assert metrics.headers["content-type"].startswith("text/plain; version=0.0.4")
    labels = 'gen_ai_operation_name="chat",family="chat",gen_ai_request_model="demo",gen_ai_provider_name="embedded",'
    labels += 'deployment="pool"'
    assert series[f'cloverleaf_requests_total{{{labels},status="200",failure="",caused_by=""}}'] == 2
    assert series[f'gen_ai_client_operation_duration_seconds_count{{{labels},error_type=""}}'] == 2
    assert series[f"gen_ai_server_time_to_first_token_seconds_count{{{labels}}}"] == 1
    assert series["cloverleaf_requests_in_flight{}"] == 0
    assert "such" not in metrics.text


async def test_sigterm_lets_a_stream_finish(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with serving(tmp_path, CONFIG) as gateway:
        body = asked(stream=True, max_tokens=100, ignore_eos=True)
        async with http.stream("POST", f"{gateway.url}/v1/chat/completions", json=body) as stream:
            parts = stream.aiter_bytes()
            received = await anext(parts)
            gateway.signal(signal.SIGTERM)
            while (await http.get(f"{gateway.admin}/ready")).status_code != 503:
                await asyncio.sleep(0.01)
            async for part in parts:
                received += part
        assert received.endswith(b"data: [DONE]\n\n")
        assert await gateway.exit() == 0


async def test_a_stream_that_outlasts_the_drain_ends_in_an_error(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with serving(tmp_path, f"{CONFIG}server: {{drain: 300ms}}\n") as gateway:
        body = asked(stream=True, max_tokens=100_000, ignore_eos=True)
        async with http.stream("POST", f"{gateway.url}/v1/chat/completions", json=body) as stream:
            parts = stream.aiter_bytes()
            received = await anext(parts)
            gateway.signal(signal.SIGTERM)
            async for part in parts:
                received += part
        assert b'data: {"error"' in received and b"[DONE]" not in received
        assert await gateway.exit() == 0


async def test_asked_twice_it_does_not_wait(tmp_path: Path, http: httpx.AsyncClient) -> None:
    async with serving(tmp_path, CONFIG) as gateway:
        body = asked(stream=True, max_tokens=100_000, ignore_eos=True)
        async with http.stream("POST", f"{gateway.url}/v1/chat/completions", json=body) as stream:
            await anext(stream.aiter_bytes())
            gateway.signal(signal.SIGTERM)
            while (await http.get(f"{gateway.admin}/ready")).status_code != 503:
                await asyncio.sleep(0.01)
            gateway.signal(signal.SIGTERM)
            assert await gateway.exit() == 0


@pytest.mark.parametrize("how", ["SIGHUP", "file change"])
async def test_a_reload_swaps_whole_and_a_bad_file_keeps_the_last_good_one(
    tmp_path: Path, http: httpx.AsyncClient, how: str
) -> None:
    file = tmp_path / "cloverleaf.yaml"
    async with serving(tmp_path, CONFIG) as gateway:
        body = asked(stream=True, max_tokens=100_000, ignore_eos=True)
        async with http.stream("POST", f"{gateway.url}/v1/chat/completions", json=body) as stream:
            parts = stream.aiter_bytes()
            await anext(parts)
            for text, event in (
                (CONFIG.replace("demo: {dep", "renamed: {dep"), "is in force"),
                ("models: {renamed: {deployments: [nothing]}}", "kept the last good configuration"),
            ):
                file.write_text(text)
                if how == "SIGHUP":
                    gateway.signal(signal.SIGHUP)
                await gateway.logged("reload", event)
                assert (await chat(http, gateway.url, max_tokens=2)).status_code == 404
                assert (await chat(http, gateway.url, model="renamed", max_tokens=2)).status_code == 200
            assert await anext(parts)  # it began under the first configuration
        assert not any("take effect at the next start" in str(line.get("message")) for line in gateway.lines())


# Why it does not


async def test_a_taken_port_is_one_line_and_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        status, out, err = await run(tmp_path, "serve", "--port", port, "--admin-port", "0")
    assert (status, out) == (2, "")
    assert err.count("\n") == 1 and port in err


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("models: {m: {deployments: [nothing]}}", "nothing"),
        ("nonsense: 1", "nonsense"),
        ("[", "cloverleaf.yaml"),
        (f"{CONFIG}server: {{tls: {{cert: /no/cert.pem, key: /no/key.pem}}}}\n", "tls"),
    ],
)
async def test_what_cannot_be_served_is_said_and_2(tmp_path: Path, text: str, word: str) -> None:
    (tmp_path / "bad.yaml").write_text(text)
    status, out, err = await run(tmp_path, "serve", "bad.yaml", "--port", "0", "--admin-port", "0")
    assert (status, out) == (2, "")
    assert "Traceback" not in err
    assert word in err or word == "cloverleaf.yaml"


async def test_a_missing_file_is_said_and_2(tmp_path: Path) -> None:
    status, _, err = await run(tmp_path, "serve", "missing.yaml")
    assert (status, err.count("\n")) == (2, 1)
    assert "missing.yaml" in err


async def test_it_stops_within_seconds_when_it_was_idle(tmp_path: Path) -> None:
    """Probes of an endpoint that is not there are under way all the time: they must not hold up the end."""
    text = """
deployments: {pool: {provider: vllm, model: demo, endpoints: ["http://127.0.0.1:9"], scrape: 10ms}}
models: {demo: {deployments: [pool]}}
"""
    async with serving(tmp_path, text) as gateway:
        await gateway.logged("endpoint", "is out")
        gateway.signal(signal.SIGTERM)
        async with asyncio.timeout(LIMIT / 4):
            assert await gateway.exit() == 0
