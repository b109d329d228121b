"""The emulated Bedrock, proved with boto3."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import boto3
import botocore.exceptions
import msgspec
import pytest
import urllib3
from botocore.config import Config
from botocore.eventstream import ChecksumMismatch

from tests.contracts.scripted import upstream
from tests.emulators.aws_signature import Identity
from tests.emulators.bedrock import Bedrock, Refuses, Says

MODEL = "us.amazon.nova-micro-v1:0"
ASK = [{"role": "user", "content": [{"text": "hi"}]}]
PARALLEL = (
    {"text": "Let me look."},
    {"toolUse": {"toolUseId": "t1", "name": "weather", "input": {"city": "Rome"}}},
    {"toolUse": {"toolUseId": "t2", "name": "time", "input": {}}},
)
THOUGHT = ({"reasoningContent": {"reasoningText": {"text": "so and so", "signature": "c2ln"}}}, {"text": "yes"})


@asynccontextmanager
async def boto(bedrock: Bedrock, identity: Identity | None = None) -> AsyncIterator[Any]:
    identity = identity or Identity()
    async with upstream(bedrock) as server:
        client = boto3.client(
            "bedrock-runtime",
            region_name=identity.region,
            endpoint_url=f"http://127.0.0.1:{server.port}",
            aws_access_key_id=identity.access_key,
            aws_secret_access_key=identity.secret_key,
            aws_session_token=identity.token or None,
            config=Config(retries={"total_max_attempts": 1}),
        )
        with closing(client):
            yield client


async def call(function: Callable[..., Any], **arguments: object) -> Any:
    return await asyncio.to_thread(function, **arguments)


async def events(client: Any, **arguments: object) -> list[dict[str, Any]]:
    def read() -> list[dict[str, Any]]:
        with closing(client.converse_stream(**arguments)["stream"]) as stream:
            return list(stream)

    return await asyncio.to_thread(read)


@pytest.mark.parametrize("model", [MODEL, "arn:aws:bedrock:us-east-1:123456789012:inference-profile/us.x.y-v1:0"])
async def test_a_signed_request_is_let_in_and_answered(model: str) -> None:
    bedrock = Bedrock()
    async with boto(bedrock) as client:
        reply = await call(client.converse, modelId=model, messages=ASK)
    assert reply["output"]["message"]["content"] == [{"text": "Hello from the cloud."}]
    assert reply["usage"]["totalTokens"] == 19
    assert bedrock.asked == [("converse", model, {"messages": ASK})]


async def test_a_session_token_is_part_of_the_signature() -> None:
    identity = Identity(token="session")
    async with boto(Bedrock(identity=identity), identity) as client:
        reply = await call(client.converse, modelId=MODEL, messages=ASK)
    assert reply["stopReason"] == "end_turn"


@pytest.mark.parametrize("wrong", [Identity(secret_key="x"), Identity(access_key="A"), Identity(region="eu-west-1")])
async def test_another_signature_is_refused(wrong: Identity) -> None:
    bedrock = Bedrock()
    async with boto(bedrock, wrong) as client:
        with pytest.raises(botocore.exceptions.ClientError, match="InvalidSignatureException"):
            await call(client.converse, modelId=MODEL, messages=ASK)
    assert not bedrock.asked


@pytest.mark.parametrize("key", ["good", "bad"])
async def test_an_api_key_does_as_well(
    key: str, certificate: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_BEARER_TOKEN_BEDROCK", key)
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(*certificate)
    async with upstream(Bedrock(api_key="good"), tls=tls) as server:  # boto3 sends a bearer over TLS only
        url = f"https://127.0.0.1:{server.port}"
        made = boto3.client("bedrock-runtime", region_name="us-east-1", endpoint_url=url, verify=str(certificate[0]))
        with closing(made) as client:
            if key == "good":
                assert (await call(client.converse, modelId=MODEL, messages=ASK))["stopReason"] == "end_turn"
            else:
                with pytest.raises(client.exceptions.AccessDeniedException):
                    await call(client.converse, modelId=MODEL, messages=ASK)


@pytest.mark.parametrize("blocks", [PARALLEL, THOUGHT, ({"text": "Grüße, 世界"},)])
async def test_streamed_and_put_together_it_is_the_whole_answer(blocks: tuple[dict[str, Any], ...]) -> None:
    async with boto(Bedrock(Says(blocks, "tool_use"))) as client:
        whole = await call(client.converse, modelId=MODEL, messages=ASK)
        streamed = await events(client, modelId=MODEL, messages=ASK)
    assert "messageStart" in streamed[0]
    assert streamed[-2] == {"messageStop": {"stopReason": "tool_use"}}
    assert streamed[-1]["metadata"]["usage"] == whole["usage"]
    assert _blocks(streamed) == whole["output"]["message"]["content"]


def _blocks(streamed: list[dict[str, Any]]) -> list[dict[str, Any]]:
    blocks: dict[int, dict[str, Any]] = {}
    arguments: dict[int, str] = {}
    for event in streamed:
        if "contentBlockStart" in event:
            index = event["contentBlockStart"]["contentBlockIndex"]
            blocks[index] = event["contentBlockStart"]["start"]
        elif "contentBlockDelta" in event:
            index, delta = event["contentBlockDelta"]["contentBlockIndex"], event["contentBlockDelta"]["delta"]
            if "text" in delta:
                block = blocks.setdefault(index, {"text": ""})
                block["text"] += delta["text"]
            elif "toolUse" in delta:
                arguments[index] = arguments.get(index, "") + delta["toolUse"]["input"]
            else:
                block = blocks.setdefault(index, {"reasoningContent": {"reasoningText": {"text": ""}}})
                text = block["reasoningContent"]["reasoningText"]
                if "text" in delta["reasoningContent"]:
                    text["text"] += delta["reasoningContent"]["text"]
                else:
                    text |= delta["reasoningContent"]
    for index, text in arguments.items():
        blocks[index]["toolUse"]["input"] = msgspec.json.decode(text)
    return [blocks[index] for index in sorted(blocks)]


@pytest.mark.parametrize(
    "kind",
    [
        "ThrottlingException",
        "ModelNotReadyException",
        "ServiceUnavailableException",
        "ValidationException",
        "ModelTimeoutException",
        "AccessDeniedException",
        "ResourceNotFoundException",
    ],
)
async def test_a_refusal_is_the_exception_of_that_name(kind: str) -> None:
    async with boto(Bedrock(Refuses(kind, "told so"), Says())) as client:
        with pytest.raises(botocore.exceptions.ClientError) as caught:
            await call(client.converse, modelId=MODEL, messages=ASK)
        assert (await call(client.converse, modelId=MODEL, messages=ASK))["stopReason"] == "end_turn"
    assert caught.value.response["Error"] == {"Message": "told so", "Code": kind}


@pytest.mark.parametrize(
    ("ending", "raised"),
    [
        ("modelStreamErrorException", botocore.exceptions.EventStreamError),
        ("throttlingException", botocore.exceptions.EventStreamError),
        ("cut", urllib3.exceptions.ProtocolError),
        ("spoiled", ChecksumMismatch),
    ],
)
async def test_a_stream_that_ends_badly_is_an_error_to_its_client(ending: str, raised: type[Exception]) -> None:
    async with boto(Bedrock(Says(ending=ending))) as client:
        with pytest.raises(raised):
            await events(client, modelId=MODEL, messages=ASK)


TOOLS = {"tools": [{"toolSpec": {"name": "f", "inputSchema": {"json": {"type": "object"}}}}]}


@pytest.mark.parametrize(
    ("messages", "more", "said"),
    [
        ([{"role": "assistant", "content": [{"text": "x"}]}], {}, "start with a user message"),
        (ASK + ASK, {}, "alternate"),
        ([{"role": "user", "content": [{"text": " "}]}], {}, "blank"),
        ([{"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": []}}]}], {}, "toolResult"),
        (
            [
                *ASK,
                {"role": "assistant", "content": [{"toolUse": {"toolUseId": "t", "name": "f", "input": {}}}]},
                {"role": "user", "content": [{"toolResult": {"toolUseId": "t", "content": [{"text": "x"}]}}]},
            ],
            {},
            "toolConfig field must be defined",
        ),
    ],
)
async def test_what_the_service_refuses_is_refused(messages: list[Any], more: dict[str, Any], said: str) -> None:
    async with boto(Bedrock()) as client:
        with pytest.raises(client.exceptions.ValidationException, match=said):
            await call(client.converse, modelId=MODEL, messages=messages, **more)


async def test_a_field_the_service_does_not_know_is_refused() -> None:
    rules = Bedrock()._rules
    with pytest.raises(Exception, match="Unknown parameter"):
        rules.check("Converse", MODEL, {"messages": ASK, "stop": ["x"]})


async def test_embeddings_of_titan_and_cohere() -> None:
    async with boto(Bedrock()) as client:
        for model, body, expected in (
            ("amazon.titan-embed-text-v2:0", {"inputText": "abc"}, {"embedding": [3.0, 0.5, 0.5, 0.5]}),
            (
                "cohere.embed-english-v3",
                {"texts": ["a", "bc"], "input_type": "search_document"},
                {"embeddings": [[1.0, 0.5, 0.5, 0.5], [2.0, 0.5, 0.5, 0.5]]},
            ),
        ):
            reply = await call(client.invoke_model, modelId=model, body=msgspec.json.encode(body))
            answer = await asyncio.to_thread(reply["body"].read)
            assert expected.items() <= msgspec.json.decode(answer).items()
