"""Recorded traffic of providers that speak OpenAI's API: it passes to the byte, and its usage is read."""

from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from backends.contract.adapter import Incoming
from backends.contract.decoder import Decoder
from backends.contract.families import FAMILIES
from backends.contract.peek import peek
from backends.dialects.openai.azure import Azure
from backends.dialects.openai.openai import OpenAI
from backends.dialects.openai.variants import Adapted
from backends.providers.groq import GROQ
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Request
from tests.recordings.vcr import FOLDER, Exchange, exchanges, needed, table

pytestmark = needed
FAMILY = {family.paths[0].removeprefix("/v1"): family for family in FAMILIES}
RECORDED = [(provider, one) for provider in ("groq", "azure", "bedrock-mantle") for one in exchanges(provider)]
ANSWERED = [(provider, one) for provider, one in RECORDED if one.status == 200]
#: Groq's own words, where OpenAI's models know only OpenAI's.
FOREIGN = {"service_tier": "on_demand"}
SSE = b"text/event-stream"


def adapter(provider: str) -> Any:
    if provider == "azure":
        return Azure("http://h", "x", {}, "")
    itself = OpenAI("http://h/v1", "x", {}, v1_in_root=True)
    return Adapted(itself, GROQ.fields, "x", drop=False) if provider == "groq" else itself


def incoming(path: str, asked: Any) -> Incoming:
    family = FAMILY[path]
    body = msgspec.json.encode({**asked, "model": "public"})
    seen = peek(family, body, b"application/json")
    return Incoming(Request(family.name, "public", seen.stream, 1, 0.0), seen)


def passed(provider: str, path: str, asked: Any, body: bytes, type: bytes) -> tuple[bytes, Decoder]:
    decoder: Decoder = adapter(provider).decoder(incoming(path, asked), type)
    return decoder.feed(body) + decoder.close(), decoder


def path_of(one: Exchange) -> str:
    return "/chat/completions" if one.url.endswith("/chat/completions") else "/responses"


@pytest.mark.parametrize(("provider", "one"), ANSWERED, ids=lambda value: getattr(value, "file", value))
def test_an_answer_passes_and_is_counted(provider: str, one: Exchange) -> None:
    out, streamed, decoder = answer(provider, one)
    if b'"failed_generation"' in one.body:
        assert decoder.fault is not None and decoder.fault.failure is Failure.SERVER_ERROR
        return  # the model's slip: another place may do better
    assert decoder.fault is None
    assert out == one.body
    if path_of(one) == "/chat/completions":
        _valid(out, streamed)
    if streamed:
        total = int(one.body.rsplit(b'"total_tokens":', 1)[1].split(b",")[0].split(b"}")[0])
        assert decoder.usage.prompt + decoder.usage.completion == total
    else:
        assert decoder.usage.prompt + decoder.usage.completion == one.json["usage"]["total_tokens"]


def answer(provider: str, one: Exchange) -> tuple[bytes, bool, Decoder]:
    """What a client gets for a recorded answer, whether it was streamed, and what read it."""
    streamed = one.body.startswith((b"data:", b"event:"))
    asked = one.asked | ({"stream_options": {"include_usage": True}} if streamed else {})
    out, decoder = passed(provider, path_of(one), asked, one.body, SSE if streamed else b"application/json")
    return out, streamed, decoder


def _valid(out: bytes, streamed: bool) -> None:
    model = ChatCompletionChunk if streamed else ChatCompletion
    datas = [line[6:] for line in out.splitlines() if line.startswith(b"data: {")] if streamed else [out]
    for data in datas:
        said = msgspec.json.decode(data)
        told = {key: value for key, value in said.items() if FOREIGN.get(key) != value}
        model.model_validate_json(msgspec.json.encode(told), strict=True)


def test_every_accepted_request_is_sent_as_it_is(capsys: pytest.CaptureFixture[str]) -> None:
    counts: Counter[str] = Counter()
    for provider, one in ANSWERED:
        came = incoming(path_of(one), one.asked)
        sent = msgspec.json.decode(adapter(provider).encode(came).body)
        usage = {"stream_options": {"include_usage": True}} if sent.get("stream") and "chat" in one.url else {}
        assert sent == {**one.asked, "model": "x", **usage}
        counts[f"{provider} {path_of(one)}"] += 1
    with capsys.disabled():
        print(f"\nOpenAI's dialect: {len(ANSWERED)} accepted requests, sent as they are\n{table(counts)}")
    assert counts["groq /chat/completions"] > 30


def test_refusals_of_groq() -> None:
    failed = [one for provider, one in RECORDED if one.status != 200]
    kinds = {adapter("groq").fault(incoming("/chat/completions", {}), o.status, {}, o.body).failure for o in failed}
    assert kinds == {Failure.NOT_FOUND, Failure.SERVER_ERROR}


class Kept(msgspec.Struct, frozen=True):
    """An answer of which no request was kept; of a stream, its events without their framing."""

    provider: str
    file: str
    streamed: bool
    body: bytes
    usage: dict[str, Any]

    @property
    def path(self) -> str:
        return "/responses" if "input_tokens" in self.usage else "/chat/completions"


def _kept(path: Path) -> Kept:
    streamed = path.suffix == ".txt"
    said = path.read_bytes()
    last = msgspec.json.decode(said.splitlines()[-1] if streamed else said)
    usage = last.get("response", last)["usage"]
    if streamed:
        said = b"".join(b"data: " + line + b"\n\n" for line in said.splitlines())
        said += b"data: [DONE]\n\n" if "prompt_tokens" in usage else b""
    return Kept(path.parent.name, path.name, streamed, said, usage)


KEPT = [
    _kept(path)
    for folder in ("azure", "openai-compatible")
    for path in sorted((FOLDER / folder).glob("*"))
    if path.suffix in (".json", ".txt")
]


def read_kept(one: Kept) -> tuple[bytes, Decoder]:
    asked = {"stream": True, "stream_options": {"include_usage": True}} if one.streamed else {}
    return passed(one.provider, one.path, asked, one.body, SSE if one.streamed else b"application/json")


@pytest.mark.parametrize("one", KEPT, ids=lambda one: one.file)
def test_an_answer_that_was_kept_alone_passes_and_is_counted(one: Kept) -> None:
    out, decoder = read_kept(one)
    assert decoder.fault is None and out == one.body
    assert decoder.usage.prompt == one.usage.get("input_tokens", one.usage.get("prompt_tokens"))
    assert decoder.usage.prompt + decoder.usage.completion == one.usage["total_tokens"]


def test_there_are_answers_that_were_kept_alone() -> None:
    assert {(one.provider, one.path) for one in KEPT} >= {
        ("azure", "/responses"),
        ("azure", "/chat/completions"),
        ("openai-compatible", "/chat/completions"),
    }
