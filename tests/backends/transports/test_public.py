"""Fetching what strangers name: public addresses only, within limits, and every refusal says why."""

import asyncio
import base64
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.contract.adapter import Media
from backends.transports.public import REDIRECTS, Limits, PublicFetcher, is_public
from policies.vocabulary.failure import Failure
from tests.contracts.scripted import Call, Script, Upstream, begin, reset, silent, upstream, whole

LIMITS = Limits(size=1000, time=30.0)
PNG = b"\x89PNG"


def loopback(address: str) -> bool:
    return address == "127.0.0.1"


async def fetched(*urls: str, limits: Limits = LIMITS, allowed: Callable[[str], bool] = loopback, **more: Any) -> Any:
    """What comes of it."""
    return await PublicFetcher(limits, allowed, **more).fetch(urls)


def picture(data: bytes = PNG) -> Script:
    return whole(data, content_type="image/png; charset=binary")


def moved(to: str, status: int = 302) -> Script:
    return whole(b"", f"location: {to}", status=status)


def url(server: Upstream, path: str = "/a.png") -> str:
    return f"http://127.0.0.1:{server.port}{path}"


async def test_what_a_url_holds() -> None:
    async with upstream(picture()) as server:
        got = await fetched(url(server, "/a.png?size=1"))
        assert got == {url(server, "/a.png?size=1"): Media("image/png", base64.b64encode(PNG).decode())}
        head = server.calls[0]
        assert head.target == "/a.png?size=1"
        assert head.headers["host"] == f"127.0.0.1:{server.port}"
        assert "authorization" not in head.headers and "cookie" not in head.headers


async def test_over_tls_the_name_is_checked(certificate: tuple[Path, Path]) -> None:
    served = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    served.load_cert_chain(*certificate)
    trusted = ssl.create_default_context(cafile=str(certificate[0]))

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: image/png\r\ncontent-length: 4\r\n\r\n" + PNG)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0, ssl=served)
    port = server.sockets[0].getsockname()[1]
    try:
        got = await fetched(f"https://127.0.0.1:{port}/a", context=trusted)
        assert got[f"https://127.0.0.1:{port}/a"].media_type == "image/png"
        wrong = await fetched(f"https://localhost:{port}/a", context=trusted)
        assert "cannot be reached" in wrong.message
    finally:
        server.close()


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
        "255.255.255.255", "::1", "::", "fe80::1%eth0", "fd00::1", "ff02::1", "::ffff:10.0.0.1", "64:ff9b::a9fe:a9fe",
        "2002:7f00:1::", "2001:db8::1",
    ],
)  # fmt: skip
def test_addresses_that_are_not_public(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_that_are(address: str) -> None:
    assert is_public(address)


@given(st.ip_addresses(v=4))
def test_no_way_of_writing_an_address_makes_it_public(address: Any) -> None:
    mapped = f"::ffff:{address}"
    translated = f"64:ff9b::{int(address) >> 16:x}:{int(address) & 0xFFFF:x}"
    assert is_public(mapped) == is_public(translated) == is_public(str(address))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "2130706433", "0x7f000001", "127.1"])
async def test_by_default_this_machine_is_not_reached_by_any_name(host: str) -> None:
    async with upstream(picture()) as server:
        refused = await fetched(f"http://{host}:{server.port}/", allowed=is_public)
        assert "not public" in refused.message or "not known" in refused.message
        assert refused.failure is Failure.BAD_REQUEST and refused.param == "messages"
        assert not server.connections


async def test_a_redirect_is_followed_and_checked_anew() -> None:
    async with upstream(picture()) as end, upstream(moved(url(end)), moved("/there"), picture()) as server:
        assert await fetched(url(server)) == {url(server): Media("image/png", base64.b64encode(PNG).decode())}
    async with upstream(moved("http://169.254.169.254/latest/meta-data/")) as server:
        assert "169.254.169.254 has an address that is not public" in (await fetched(url(server))).message
    async with upstream(moved("file:///etc/passwd")) as server:
        assert "not an http(s) URL" in (await fetched(url(server))).message


async def test_redirects_have_an_end() -> None:
    async with upstream(moved("/again")) as server:
        assert f"more than {REDIRECTS} times" in (await fetched(url(server))).message
        assert len(server.calls) == REDIRECTS + 1


async def _endless(call: Call) -> None:
    await begin(call, "image/png")
    while True:
        await call.chunk(b"x" * 400)


@pytest.mark.parametrize("script", [picture(b"x" * 1001), _endless])
async def test_too_much_is_dropped_as_soon_as_it_shows(script: Script) -> None:
    async with upstream(script) as server:
        assert "more than 1000 bytes (defaults.media.max_size)" in (await fetched(url(server))).message


async def test_the_limit_is_for_all_urls_of_a_request() -> None:
    async with upstream(picture(b"x" * 600)) as server:
        refused = await fetched(url(server, "/1"), url(server, "/2"))
        assert "more than 1000 bytes" in refused.message
        assert "more than 20 URLs" in (await fetched(*(url(server, f"/{i}") for i in range(21)))).message


async def test_silence_has_a_limit() -> None:
    async with upstream(silent) as server:
        refused = await fetched(url(server), limits=Limits(1000, 0.05))
        assert "within 0.05 s (defaults.media.timeout)" in refused.message


@pytest.mark.parametrize(
    ("script", "words"),
    [
        (whole(b"<html>", content_type="text/html"), "has a content type that is not fetched"),
        (whole(b"gone", status=404), "answered 404"),
        (reset, "could not be fetched"),
    ],
)
async def test_what_is_no_picture(script: Script, words: str) -> None:
    async with upstream(script) as server:
        refused = await fetched(url(server, "/a?signature=secret"))
        assert words in refused.message and "secret" not in refused.message


@pytest.mark.parametrize(
    "bad",
    [
        "http://u:p@127.0.0.1/",
        "http:///x",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1/a b",
        "http://h\u00f6/",
        "http://h\u00f6/\u00e4",
    ],
)
async def test_a_url_that_is_none(bad: str) -> None:
    assert (await fetched(bad)).failure is Failure.BAD_REQUEST


async def test_a_fetch_that_is_cancelled_closes_its_connection() -> None:
    async with upstream(silent) as server:
        fetching = asyncio.ensure_future(PublicFetcher(LIMITS, loopback).fetch((url(server),)))
        while not server.calls:
            await asyncio.sleep(0.005)
        fetching.cancel()
        await server.calls[0].left.wait()
