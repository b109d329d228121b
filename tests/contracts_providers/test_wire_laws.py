"""Laws of every request that leaves, over every provider and family: what stands in its head, and where secrets do.

One gateway with a deployment for each provider, and for each kind of credential, is asked for every family it serves.
"""

import asyncio
import re
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from backends.contract.families import FAMILY, Family
from backends.providers import PROVIDERS
from tests.contracts.client import connected, post
from tests.contracts.scripted import Call, error, upstream, whole
from tests.contracts.serving import running
from tests.contracts_providers.harness import door
from tests.emulators.aws_signature import Identity
from tests.emulators.entra import Entra
from tests.emulators.google_tokens import Tokens
from tests.emulators.heads import VENDORS

CLIENT_KEY = "sk-canary-of-the-client"
#: What a client may say beside its body: all of it at once.
GIVEN = (
    f"authorization: Bearer {CLIENT_KEY}",
    f"x-api-key: {CLIENT_KEY}",
    f"api-key: {CLIENT_KEY}",
    f"x-goog-api-key: {CLIENT_KEY}",
    f"cookie: session={CLIENT_KEY}",
    f"proxy-authorization: Basic {CLIENT_KEY}",
    f"x-amz-security-token: {CLIENT_KEY}",
    "anthropic-version: 2023-06-01",
    "anthropic-beta: context-1m-2025-08-07",
    "openai-beta: assistants=v2",
    "openai-organization: org-canary",
    "x-goog-user-project: canary",
    "x-amz-date: 20200101T000000Z",
    "x-stainless-lang: python",
    "user-agent: a-client",
    "accept-encoding: gzip",
    "connection: keep-alive, x-hop",
    "x-hop: 1",
    "idempotency-key: once",
    "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00",
    "tracestate: a=1",
    "x-request-id: mine",
)
PLAIN = {
    "host", "accept-encoding", "content-type", "content-length", "x-request-id", "idempotency-key", "traceparent",
    "tracestate",
}  # fmt: skip
CREDENTIALS = {"authorization", "x-api-key", "api-key", "x-goog-api-key", "x-amz-security-token", "x-amz-date"}
FORM = b'--b\r\ncontent-disposition: form-data; name="model"\r\n\r\n%b\r\n--b--\r\n'
FORM_TYPE = "multipart/form-data; boundary=b"
AWS = Identity()
REMOTE = {provider.name: provider for provider in PROVIDERS if not provider.started_here}


class Sent(msgspec.Struct):
    """What a deployment was sent for a request of a family; the call's ``lines`` are its head."""

    deployment: str
    family: Family
    call: Call

    def __str__(self) -> str:
        return f"{self.deployment}, {self.family.name}"

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.call.lines]

    @property
    def vendor(self) -> tuple[str, ...]:
        """What names of the fields may begin with, by the API that is spoken there."""
        target = self.call.target
        if "rawPredict" in target or "streamRawPredict" in target:
            return ("anthropic-beta",)
        if "/messages" in target:
            return ("anthropic-",)
        if self.deployment in ("gemini", "vertex", "vertex_account"):
            return ()
        return () if target.startswith("/model/") else ("openai-beta",)


def key(deployment: str) -> str:
    return f"key-canary-of-{deployment}"


def deployments(root: str, folder: Path, tokens: Tokens) -> Iterator[tuple[str, str]]:
    """Name and keys of one for each provider, and for each other kind of credential."""
    account = folder / "account.json"
    account.write_bytes(msgspec.json.encode(tokens.service_account()))
    aws = f"access_key_id: {AWS.access_key}, secret_access_key: {AWS.secret_key}, session_token: canary-session"
    signed = f"region: us-east-1, aws: {{{aws}}}"
    entra = f"entra: {{tenant: t-1, client_id: c-1, client_secret: s-1, authority: '{root}'}}"
    google = f'region: us-central1, credentials: "file:{account}"'
    credentials = {"azure_entra": entra, "bedrock": signed, "bedrock_openai": signed, "vertex_account": google}
    credentials |= {"vertex_openai": google, "vertex_claude": google}
    kinds = {"azure_entra": "azure", "azure_old": "azure", "bedrock_key": "bedrock", "vertex_account": "vertex"}
    kinds |= {"vertex_claude": "vertex"}
    more = {"azure_old": ", api_version: 2024-06-01", "openai_compatible": ", native: [messages, count_tokens]"}
    for name in (*REMOTE, *kinds):
        kind = kinds.get(name, name)
        place = f'endpoints: ["{root}"]' if REMOTE[kind].self_hosted else f'base_url: "{root}/v1"'
        if kind in ("azure", "bedrock"):
            place = f'base_url: "{root}"'
        credential = credentials.get(
            name, f"api_key: {key(name)}" + (", region: r" if "region" in REMOTE[kind].keys else "")
        )
        model = "claude-opus-4-6" if name == "vertex_claude" else "cohere.model"
        yield (
            name,
            f"{{provider: {kind}, model: {model}, {place}, unsupported: drop, {credential}{more.get(name, '')}}}",
        )


def request(family: Family, deployment: str) -> bytes:
    if family.form:
        return post(
            family.paths[0], FORM % deployment.encode(), *GIVEN, "content-type: multipart/form-data; boundary=b"
        )
    body = {"input": "hi", "query": "hi", "prompt": "hi", "text_1": "hi", "text_2": "hi", "documents": ["a"]}
    if family.translated:
        body = msgspec.json.decode(door(family.name, stream=False))
    if family.count:
        body = msgspec.json.decode(door("messages", stream=False))
    return post(family.paths[0], msgspec.json.encode({**body, "model": deployment}), *GIVEN)


async def exchanged(folder: Path) -> list[Sent]:
    """Every deployment was asked for every family that it serves."""
    tokens, entra, sent = Tokens(), Entra(), list[Sent]()
    asked: list[tuple[str, Family]] = []

    async def script(call: Call) -> None:
        if call.head.startswith(b"GET"):
            assert not {name for name, _ in call.lines} - {"host", "content-length"}  # a probe needs no credential
            await whole(b"{}")(call)
        elif call.target in tokens.paths:
            await whole(msgspec.json.encode(tokens.answer(call.target, call)[1]))(call)
        elif "/oauth2/" in call.target:
            await entra(call)
        else:
            sent.append(Sent(*asked[-1], call))
            await error(400)(call)

    async with upstream(script) as server:
        root = tokens.root = f"http://127.0.0.1:{server.port}"
        made = dict(deployments(root, folder, tokens))
        text = "".join(f"  {name}: {keys}\n" for name, keys in made.items())
        models = "".join(f"  {name}: {{deployments: [{name}]}}\n" for name in made)
        auth = f"auth: {{keys: [{{name: c, key: {CLIENT_KEY}}}]}}\n"
        async with (
            running(f"{auth}deployments:\n{text}models:\n{models}") as gateway,
            connected(gateway.port) as client,
        ):
            for name, (candidate,) in gateway.gateway.catalog.candidates.items():
                for family in sorted(candidate.deployment.families):
                    asked.append((name, FAMILY[family]))
                    before = len(sent)
                    reply = await client.ask(request(FAMILY[family], name))
                    assert len(sent) == before + 1, (name, family, reply)
    return sent


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> list[Sent]:
    return asyncio.run(exchanged(tmp_path_factory.mktemp("wire")))


def test_every_provider_was_asked_for_every_family_it_serves(sent: list[Sent]) -> None:
    assert {each.deployment for each in sent} >= REMOTE.keys()
    assert {each.family.name for each in sent} == FAMILY.keys()


def test_no_field_is_sent_twice(sent: list[Sent]) -> None:
    """Two content-type lines went to Bedrock, Gemini and Vertex with every translated request."""
    assert [(str(each), each.names) for each in sent if len(set(each.names)) < len(each.names)] == []


def test_a_vendors_own_fields_reach_no_other(sent: list[Sent]) -> None:
    """anthropic-version and anthropic-beta went to AWS, Google and OpenAI."""
    for each in sent:
        vendors = [n for n in each.names if n.startswith(VENDORS) and n not in CREDENTIALS]
        assert all(name.startswith(each.vendor) for name in vendors), (str(each), vendors)
        assert set(vendors) == {n for n in vendors if n in {"anthropic-version", "anthropic-beta", "openai-beta"}}
    assert any("anthropic-beta" in each.names for each in sent if each.deployment == "anthropic")


def test_nothing_else_of_a_client_passes(sent: list[Sent]) -> None:
    for each in sent:
        rest = {name for name in each.names if not name.startswith(VENDORS)}
        assert rest <= PLAIN | CREDENTIALS, str(each)
        assert {"host", "content-length", "content-type", "x-request-id", "traceparent"} <= rest, str(each)
        assert (each.call.headers["x-request-id"], each.call.headers["accept-encoding"]) == ("mine", "identity")


def test_the_type_of_a_body_is_that_of_what_is_sent(sent: list[Sent]) -> None:
    for each in sent:
        expected = FORM_TYPE if each.family.form else "application/json"
        assert each.call.headers["content-type"] == expected, str(each)


def test_no_credential_stands_anywhere_but_in_its_own_field(sent: list[Sent]) -> None:
    secrets = re.compile(r"\S*canary\S*|\S*" + re.escape(AWS.secret_key) + r"\S*|s-1")
    for each in sent:
        call = each.call
        found = secrets.findall((call.head + call.body).decode("latin-1"))
        own = [name for name in each.names if name in CREDENTIALS]
        assert CLIENT_KEY not in str(found), str(each)
        if AWS.access_key in call.headers.get("authorization", ""):
            assert (found, set(own)) == (["canary-session"], {"authorization", "x-amz-security-token", "x-amz-date"})
        elif found:
            assert (found, len(own)) == ([key(each.deployment)], 1), (str(each), found, own)
        else:
            assert own == ["authorization"], str(each)  # a token that was fetched
            assert call.headers["authorization"].startswith(("Bearer ya29.emulated-", "Bearer entra-")), str(each)
