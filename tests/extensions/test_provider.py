"""A provider that this repository does not know: one descriptor is enough for it to be served."""

from functools import partial
from typing import Any

import msgspec
import pytest

from backends.contract.adapter import Adapter
from backends.contract.credentials import Fixed
from backends.dialects.openai.field_rules import FieldRules
from backends.providers import PROVIDERS
from backends.providers.adapters import OPENAI_FEATURES, openai_api
from backends.providers.provider import AdapterDeps, Endpoint, Provider
from gateway import clock
from gateway.config import ConfigError
from gateway.reporting.telemetry.readings import readings
from tests.contracts.client import connected, post
from tests.contracts.scripted import ANSWER, Upstream, stream, upstream, whole
from tests.contracts.serving import configured, running

HI = [{"role": "user", "content": "hi"}]
CHUNK = b'data: {"id":"c","object":"chat.completion.chunk","created":1,"model":"x","choices":[%b]%b}\n\n'
STREAM = (
    CHUNK % (b'{"index":0,"delta":{"content":"yes"},"finish_reason":null}', b""),
    CHUNK % (b'{"index":0,"delta":{},"finish_reason":"stop"}', b""),
    CHUNK % (b"", b',"usage":{"prompt_tokens":1,"completion_tokens":1,"total_tokens":2}'),
    b"data: [DONE]\n\n",
)


def make(provider: Provider, endpoint: Endpoint, deps: AdapterDeps) -> Adapter:
    return openai_api(provider, endpoint, deps, Fixed(x_acme_key=endpoint.api_key))


ACME = Provider(
    name="acme",
    make=make,
    families=frozenset({"chat"}),
    features=OPENAI_FEATURES - {"audio"},
    fields=FieldRules(rejects=("logit_bias",), renames={"max_completion_tokens": "limit"}),
    auth_required=True,
    prices="openai",
    otel="acme.ai",
)
CONFIG = """
deployments: {{d: {{provider: acme, model: gpt-4o-mini, base_url: "{url}", api_key: sk-acme}}}}
models: {{m: {{deployments: [d]}}}}
"""
serving = partial(running, providers=(*PROVIDERS, ACME))


def asked(server: Upstream) -> Any:
    (call,) = server.calls
    assert call.headers["x-acme-key"] == "sk-acme" and "authorization" not in call.headers
    assert call.target == "/v1/chat/completions"
    return msgspec.json.decode(call.body)


async def test_it_serves_a_chat_in_its_own_words_and_at_its_price() -> None:
    body = msgspec.json.encode({"model": "m", "messages": HI, "max_completion_tokens": 9})
    async with upstream(whole(ANSWER)) as server, serving(CONFIG.format(url=server.url)) as gateway:
        async with connected(gateway.port) as client:
            reply = await client.ask(post("/v1/chat/completions", body))
        assert reply.status == 200 and reply.body == ANSWER
        assert asked(server) == {"model": "gpt-4o-mini", "messages": HI, "limit": 9}
        assert float(reply.headers["x-cloverleaf-cost-usd"]) > 0
        labels = [labels for _, labels, _ in readings(gateway.gateway, clock.now())]
        assert any("acme.ai" in each for each in labels)


async def test_it_streams_to_a_client_of_another_api() -> None:
    body = msgspec.json.encode({"model": "m", "messages": HI, "max_tokens": 9, "stream": True})
    async with upstream(stream(*STREAM)) as server, serving(CONFIG.format(url=server.url)) as gateway:
        async with connected(gateway.port) as client:
            reply = await client.ask(post("/v1/messages", body))
        assert b'"yes"' in reply.body and b"message_stop" in reply.body
        assert asked(server)["stream"] is True


async def test_what_it_lacks_is_refused_by_name() -> None:
    body = msgspec.json.encode({"model": "m", "messages": HI, "logit_bias": {"1": 1}})
    async with upstream(whole(ANSWER)) as server, serving(CONFIG.format(url=server.url)) as gateway:
        async with connected(gateway.port) as client:
            reply = await client.ask(post("/v1/chat/completions", body))
        assert reply.status == 400 and "'logit_bias'" in reply.json["error"]["message"]
        assert not server.calls


def test_its_configuration_is_checked_by_its_descriptor() -> None:
    with pytest.raises(ConfigError, match="an acme deployment says where its API is"):
        configured("deployments: {d: {provider: acme, model: x, api_key: k}}", (ACME,))
    with pytest.raises(ConfigError, match="an acme deployment needs api_key"):
        configured('deployments: {d: {provider: acme, model: x, base_url: "http://h/v1"}}', (ACME,))
    with pytest.raises(ConfigError, match="region: is not for provider acme"):
        configured('deployments: {d: {provider: acme, model: x, base_url: "http://h", api_key: k, region: r}}', (ACME,))


def test_without_its_descriptor_it_is_an_unknown_word() -> None:
    with pytest.raises(ConfigError, match='unknown word "acme"'):
        configured(CONFIG.format(url="http://h/v1"))
