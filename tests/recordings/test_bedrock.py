"""Bedrock's recorded traffic: each answer is OpenAI's and sums up, each accepted request can be said."""

from collections import Counter
from typing import Any
from urllib.parse import unquote

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from backends.contract.adapter import Incoming
from backends.contract.credentials import Fixed
from backends.contract.decoder import Decoder
from backends.contract.dialect import Inexpressible
from backends.contract.endpoint_address import EndpointAddress
from backends.contract.families import FAMILIES
from backends.contract.peek import peek
from backends.dialects.bedrock.dialect import Bedrock
from backends.dialects.openai.chat.read_request import read_chat
from backends.serving.translated import Translated
from policies.vocabulary.types import Request
from tests.facts import facts
from tests.recordings.converse import OutOfScope, chat_of, plain
from tests.recordings.vcr import Exchange, exchanges, needed, table

pytestmark = needed
CHAT = next(family for family in FAMILIES if family.name == "chat")
ALL = list(exchanges("bedrock"))
CONVERSE = [one for one in ALL if one.url.endswith(("/converse", "/converse-stream"))]
ANSWERED = [one for one in CONVERSE if one.status == 200]
#: Requests that our surface leaves out, and how many of them there are.
LEFT_OUT = {"a tool that the host runs itself": 3, "a document in S3": 1, "a part of kind video": 1}


def model(one: Exchange) -> str:
    return unquote(one.url.split("/model/")[1].split("/")[0])


def answered(one: Exchange) -> tuple[bytes, Decoder]:
    """What a chat client gets for a recorded reply."""
    stream = one.url.endswith("-stream")
    asked: dict[str, Any] = {"model": "m", "messages": [{"role": "user", "content": "hi"}], "stream": stream}
    if stream:
        asked["stream_options"] = {"include_usage": True}
    body = msgspec.json.encode(asked)
    request = Request("chat", "m", stream, 1, 0.0)
    incoming = Incoming(request, peek(CHAT, body, b"application/json"))
    adapter = Translated(
        EndpointAddress("http://h", Fixed(), {}), model(one), Bedrock(model(one)), lambda: 1.0, drop=False
    )
    adapter.encode(incoming)
    decoder = adapter.decoder(incoming, one.headers["content-type"][0].encode())
    return decoder.feed(one.body) + decoder.close(), decoder


def counted(one: Exchange) -> int:
    """The provider's own total."""
    if not one.url.endswith("-stream"):
        return int(one.json["usage"]["totalTokens"])
    return int(one.body.rsplit(b'"totalTokens":', 1)[1].split(b"}")[0].split(b",")[0])


@pytest.mark.parametrize("one", ANSWERED, ids=lambda one: one.file[:80])
def test_an_answer_is_openai_s_and_its_usage_sums(one: Exchange) -> None:
    out, decoder = answered(one)
    assert decoder.fault is None
    if one.url.endswith("-stream"):
        datas = [line[6:] for line in out.split(b"\n") if line.startswith(b"data: ")]
        assert datas.pop() == b"[DONE]" and decoder.committed
        for data in datas:
            ChatCompletionChunk.model_validate_json(data, strict=True)
    else:
        usage = ChatCompletion.model_validate_json(out, strict=True).usage
        assert usage is not None and usage.total_tokens == counted(one)
    assert decoder.usage.prompt + decoder.usage.completion == counted(one)


def test_every_accepted_request_can_be_said_or_is_left_out_for_a_reason(capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()
    for one in ANSWERED:
        counts[said(one)] += 1
    with capsys.disabled():
        print(f"\nbedrock: {len(ANSWERED)} accepted requests\n{table(counts)}")
    reasons = {reason: number for reason, number in counts.items() if reason in LEFT_OUT}
    assert reasons == LEFT_OUT
    assert counts.keys() - LEFT_OUT.keys() <= {"said the same", "spoiled by the recorder"}


def said(one: Exchange) -> str:
    if one.asked is None:
        return "spoiled by the recorder"
    try:
        asked = chat_of(one.asked)
    except OutOfScope as reason:
        return str(reason)
    door = msgspec.json.encode(asked | {"stream": one.url.endswith("-stream")})
    try:
        written = Bedrock(model(one)).write(read_chat(facts(door)), model(one))
    except Inexpressible as problem:
        return f"inexpressible: {problem}"
    assert written.dropped == (), one.file
    assert written.target.decode() == one.url.partition(".amazonaws.com")[2], one.file
    assert plain(msgspec.json.decode(written.body)) == plain(one.asked), one.file
    return "said the same"


def test_an_error_is_the_failure_it_is() -> None:
    failed = [one for one in CONVERSE if one.status != 200]
    kinds = Counter(
        Bedrock(model(one)).fault(one.status, {b"x-amzn-errortype": b"ValidationException"}, one.body).failure.name
        for one in failed
    )
    assert kinds["NOT_FOUND"] == sum(b"model identifier is invalid" in one.body for one in failed) > 0
    assert set(kinds) == {"NOT_FOUND", "BAD_REQUEST"}
