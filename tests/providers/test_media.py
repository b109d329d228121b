"""Pictures by URL, for a provider that fetches none: through a running gateway to the emulated Bedrock."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import msgspec
import openai
import pytest

from backends.transports.public import Limits, PublicFetcher
from tests.contracts.scripted import Script, silent, upstream, whole
from tests.contracts.serving import until
from tests.emulators.bedrock import Bedrock, Says
from tests.providers.sdk import Served, served

PNG = b"\x89PNG\r\n\x1a\n and so on"


@asynccontextmanager
async def gateway(script: Script, media: str, *, here: bool = False) -> AsyncIterator[tuple[Bedrock, Served, str]]:
    """``here``: pictures may come from this machine, which is not public."""
    bedrock = Bedrock(Says(), api_key="bedrock-key")
    async with upstream(bedrock) as server, upstream(script) as pictures:
        text = f"""
deployments:
  d: {{provider: bedrock, model: m, region: us-east-1, base_url: "http://127.0.0.1:{server.port}",
       api_key: bedrock-key}}
models: {{m: {{deployments: [d]}}}}
defaults: {{media: {media}}}
"""
        async with served(text) as on:
            if here:
                _allow(on)
            yield bedrock, on, f"http://127.0.0.1:{pictures.port}/owl"


def _allow(on: Served) -> None:
    catalog = on.gateway.gateway.catalog
    fetchers = dict.fromkeys(catalog.fetchers, PublicFetcher(Limits(1000, 30.0), lambda address: True))
    on.gateway.gateway.catalog = msgspec.structs.replace(catalog, fetchers=fetchers)


def seeing(url: str) -> Any:
    return [
        {
            "role": "user",
            "content": [{"type": "text", "text": "what?"}, {"type": "image_url", "image_url": {"url": url}}],
        }
    ]


@pytest.mark.parametrize("stream", [False, True])
async def test_a_picture_is_fetched_and_sent_as_data(stream: bool) -> None:
    async with gateway(whole(PNG, content_type="image/png"), "{fetch: true}", here=True) as (bedrock, on, url):
        answer = await (on.streamed(messages=seeing(url)) if stream else on.chat(messages=seeing(url)))
        text = answer.text if stream else answer.choices[0].message.content
        assert text == "Hello from the cloud."
        image = bedrock.asked[0][2]["messages"][0]["content"][1]["image"]
        assert image == {"format": "png", "source": {"bytes": base64.b64encode(PNG).decode()}}
        assert on.gateway.requests()[0]["attempts"] == 1
        assert on.gateway.gateway.metrics.holds == {"media": 1}


@pytest.mark.parametrize(
    ("media", "here", "words"),
    [
        ("{fetch: false}", False, "defaults.media.fetch"),
        ("{fetch: true}", False, "127.0.0.1 has an address that is not public"),
        ("{fetch: true}", True, "has a content type that is not fetched"),
    ],
)
async def test_what_is_not_fetched_is_refused_and_named(media: str, here: bool, words: str) -> None:
    async with gateway(whole(b"<html>", content_type="text/html"), media, here=here) as (bedrock, on, url):
        with pytest.raises(openai.BadRequestError, match=words) as refused:
            await on.chat(messages=seeing(url))
        assert refused.value.param == "messages"
        assert not bedrock.asked


async def test_a_client_that_leaves_ends_the_fetch() -> None:
    async with gateway(silent, "{fetch: true}", here=True) as (_, on, url):
        with pytest.raises(openai.APITimeoutError):
            await on.client.with_options(timeout=0.2).chat.completions.create(model="m", messages=seeing(url))
        await until(on.gateway.requests)
        assert on.gateway.requests()[0]["failure"] == "CANCELLED"
