"""A gateway before a place that misbehaves. Rule: beside it stand one to fall back on, and one that always answers."""

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from policies.vocabulary.failure import Failure
from tests.contracts.scripted import ANSWER, Upstream, upstream, whole
from tests.contracts.serving import Running, running, until
from tests.scripted import Peer, Scripted
from tests.survive.speech import good
from tests.survive.table import Row

LIMITS = {
    Failure.TIMEOUT_CONNECT: "connect",
    Failure.TIMEOUT_RESPONSE: "response",
    Failure.TIMEOUT_TTFT: "ttft",
    Failure.STREAM_IDLE: "stream_idle",
}
MOST = 6  # attempts a request may cost here: a try and two retries in each of two places

SPEAKS = "provider: openai_compatible, native: [messages, count_tokens, responses]"


class World(msgspec.Struct):
    """``url``: where the misbehaving place is; ``first`` is what plays it, where something of ours does."""

    gateway: Running
    url: str
    first: Upstream | None
    second: Upstream

    def calls(self) -> int | None:
        """How often the misbehaving place was asked, as it counts them itself."""
        return len(self.first.calls) if self.first is not None else None

    def line(self) -> dict[str, Any]:
        """The one line in the log about a request for ``m``."""
        (line,) = [line for line in self.gateway.requests() if line["model"] == "m"]
        return line

    def attempts(self) -> dict[tuple[str, str], int]:
        """(deployment, result) -> how many, as the metrics tell."""
        metrics = self.gateway.gateway.metrics
        metrics.fold()
        counts: dict[tuple[str, str], int] = {}
        for (deployment, _, _, result), count in metrics.attempts.items():
            counts[deployment, result] = counts.get((deployment, result), 0) + count
        return counts

    async def idle(self) -> None:
        """Wait until nothing is counted as under way, anywhere."""
        live, gateway = self.gateway.app.live, self.gateway.gateway

        def none() -> bool:
            counts = [load.in_flight + load.in_flight_tokens for load in live.endpoints.loads.values()]
            pools = [pool.in_flight for pool in live.endpoints.pools.values()]
            return not any(counts) and not any(pools) and not gateway.journeys

        await until(none)


@asynccontextmanager
async def world(
    row: Row, family: str, streamed: bool, alone: bool, door: str, pem: tuple[Path, Path]
) -> AsyncIterator[World]:
    """``alone``: there is no place to fall back on."""
    script = row.script(family, streamed) if row.script is not None else None
    async with (
        placed(row.url, pem) as url,
        upstream(script or whole(ANSWER)) as first,
        upstream(good(family, streamed)) as second,
        upstream(whole(ANSWER)) as spare,
    ):
        url = url or first.url
        text = f"""
defaults: {{retry: {{base: 10ms, cap: 20ms}}}}
deployments:
  first:
    provider: openai_compatible
    native: [messages, count_tokens, responses]
    model: m
    base_url: "{url}"
    api_key: a
    timeouts: {{{limits(row)}}}
  second: {{{SPEAKS}, model: m, base_url: "{second.url}", api_key: b}}
  spare: {{{SPEAKS}, model: m, base_url: "{spare.url}", api_key: c}}
models:
  m: {{deployments: [{"first" if alone else "first, second"}]}}
  spare: {{deployments: [spare]}}
"""
        async with running(text, door) as gateway:
            yield World(gateway, url, first if script is not None else None, second)


def limits(row: Row) -> str:
    """The one that the fault should meet is short; a busy machine must not meet another."""
    return ", ".join(f"{key}: {'200ms' if row.failure is failure else '60s'}" for failure, key in LIMITS.items())


async def mute(peer: Peer) -> None:
    await peer.leaves()


async def plain(peer: Peer) -> None:
    """An HTTP server that hears a TLS handshake."""
    await peer.say(b"HTTP/1.1 400 Bad Request\r\nconnection: close\r\ncontent-length: 0\r\n\r\n")
    await peer.leaves()


@asynccontextmanager
async def placed(url: str, pem: tuple[Path, Path]) -> AsyncIterator[str]:
    """The URL itself, or that of the server it names."""
    if url not in ("self-signed", "not-tls", "mute-tls"):
        yield url
        return
    context = None
    if url == "self-signed":
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*pem)
    async with Scripted(plain if url == "not-tls" else mute, tls=context) as server:
        yield f"https://127.0.0.1:{server.port}/v1"
