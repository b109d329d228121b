"""Secrets. Rule: a credential leaves the gateway in one way only, as the credential of its own upstream's requests."""

import asyncio
import signal
from pathlib import Path

import httpx

from tests.contracts.scripted import ANSWER, Call, error, silent, stream, upstream, whole
from tests.e2e.process import asked, run, serving
from tests.gateway.reporting.telemetry.collector import collector

CLIENT = "canary-client-key"
UPSTREAM = "canary-upstream-key"
HEADER = "canary-header-secret"
ADMIN = "canary-admin-token"
CANARIES = (CLIENT, UPSTREAM, HEADER, ADMIN)
TEXT = b'data: {"choices": [{"index": 0, "delta": {"content": "yes"}}]}\n\n'


def config(url: str, otlp: str = "null") -> str:
    return f"""
admin: {{token: {ADMIN}}}
auth: {{keys: [{{name: team, key: {CLIENT}}}]}}
defaults: {{timeouts: {{ttft: 200ms, response: 200ms}}, retry: {{attempts: 0}}, breaker: {{failures: 1000}}}}
deployments:
  d: {{provider: openai_compatible, model: m, base_url: "{url}", api_key: {UPSTREAM}, headers: {{x-secret: {HEADER}}}}}
  gone: {{provider: vllm, model: m, endpoints: ["http://127.0.0.1:9"], api_key: {UPSTREAM}}}
models:
  m: {{deployments: [d]}}
  gone: {{deployments: [gone]}}
telemetry: {{log: debug, otlp: {otlp}, traces: 100%}}
"""


async def echo(call: Call) -> None:
    """Some servers put the credential they refuse into their refusal."""
    message = f"Incorrect API key provided: {call.headers['authorization'].removeprefix('Bearer ')}"
    await error(401, message=message, code="invalid_api_key")(call)


SCRIPTS = (
    whole(ANSWER),
    echo,
    error(500),
    error(429, "retry-after-ms: 0"),
    error(403),
    silent,
    whole(b"<html>"),
    stream(TEXT, end=False),
)


def leaks(sinks: dict[str, str]) -> list[tuple[str, str]]:
    return [(name, canary) for name, text in sinks.items() for canary in CANARIES if canary in text]


def seen(reply: httpx.Response) -> str:
    return f"{reply.status_code} {reply.headers} {reply.text}"


async def test_no_sink_ever_holds_a_credential(tmp_path: Path) -> None:
    sinks: dict[str, str] = {}
    bearer, token = {"authorization": f"Bearer {CLIENT}"}, {"authorization": f"Bearer {ADMIN}"}
    async with (
        upstream(*SCRIPTS) as up,
        collector() as told,
        httpx.AsyncClient(timeout=60) as http,
        serving(tmp_path, config(up.url, told.url)) as gateway,
    ):
        path = f"{gateway.url}/v1/chat/completions"
        for number, _ in enumerate(SCRIPTS):
            reply = await http.post(path, json=asked("m", stream=number == len(SCRIPTS) - 1), headers=bearer)
            sinks[f"answer {number}: {reply.status_code}"] = seen(reply)
        assert len(up.calls) == len(SCRIPTS)
        assert all(UPSTREAM in call.head.decode() and HEADER in call.head.decode() for call in up.calls)
        for name, content, headers in (
            ("wrong key", b"{}", {"authorization": f"Bearer {CLIENT}x"}),
            ("bad body", f'{{"model": "{CLIENT}"'.encode(), bearer),
            ("unreachable", b'{"model": "gone"}', bearer),
        ):
            reply = await http.post(path, content=content, headers=headers)
            assert reply.status_code >= 400
            sinks[name] = seen(reply)
        for name in ("metrics", "api/status", "", "health", "ready"):
            reply = await http.get(f"{gateway.admin}/{name}", headers=token)
            assert reply.status_code in (200, 503)
            sinks[f"admin /{name}"] = seen(reply)
        assert (await http.get(f"{gateway.admin}/metrics")).status_code == 401
        assert (await http.get(f"{gateway.admin}/api/status", headers=bearer)).status_code == 401
        (tmp_path / "cloverleaf.yaml").write_text(config(up.url, told.url) + "nonsense: true\n")
        gateway.signal(signal.SIGHUP)
        await gateway.logged("reload", "kept the last good")
        gateway.signal(signal.SIGTERM)
        assert await gateway.exit() == 0
        sinks |= {"stdout": gateway.said, "stderr": gateway.errors.read_text(), "otlp": told.everything()}
    assert len(told.spans()) >= 2 * len(SCRIPTS)
    assert told.metrics()
    assert len(sinks["stderr"].splitlines()) > len(SCRIPTS)
    assert leaks(sinks) == []


async def test_no_command_prints_a_credential(tmp_path: Path) -> None:
    good, bad = config("http://127.0.0.1:9/v1"), config("not a url") + f"wrong: {CLIENT}\n"
    (tmp_path / "good.yaml").write_text(good)
    (tmp_path / "bad.yaml").write_text(bad)
    results = await asyncio.gather(
        run(tmp_path, "check", "good.yaml"),
        run(tmp_path, "check", "good.yaml", "--show"),
        run(tmp_path, "check", "bad.yaml"),
        run(tmp_path, "serve", "bad.yaml"),
    )
    assert [status for status, _, _ in results] == [0, 0, 2, 2]
    assert leaks({str(number): out + err for number, (_, out, err) in enumerate(results)}) == []
