"""Real Google traffic: every reply is an OpenAI answer of the same count, and what was accepted can be asked for."""

from collections import Counter
from functools import cache
from typing import Any

import msgspec
import pytest
from openai.types.chat import ChatCompletion

from backends.contract.events import Event, UsageSeen
from backends.contract.reply_context import Heading
from backends.dialects.google.dialect import Google
from backends.dialects.openai.chat.read_request import read_chat
from backends.dialects.openai.chat.write_reply import ChatReply
from policies.vocabulary.failure import Failure, Fault
from tests.facts import facts
from tests.recordings.google import ROOT, VERBS, Exchange, OutOfScope, as_chat, exchanges, tidy

PROVIDERS = ("gemini", "vertex")
pytestmark = pytest.mark.skipif(not ROOT.is_dir(), reason="the recordings are not beside this checkout")

#: What of the recordings is not a chat, and why nothing is lost.
SAME = "expressed, to the field"
OTHER_APIS = {"interactions": "the Interactions API", "countTokens": "counting", "embedContent": "embeddings"}


@cache
def recorded(provider: str) -> list[Exchange]:
    return list(exchanges(provider))


def chats(provider: str) -> list[Exchange]:
    return [one for one in recorded(provider) if one.verb in VERBS]


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_reply_is_an_openai_answer_with_the_providers_own_count(provider: str) -> None:
    answered = failed = 0
    for one in chats(provider):
        if one.status != 200:
            continue
        events, fault = read(one)
        if b"UNEXPECTED_TOOL_CALL" in one.reply:  # the model called what it does not have: no answer at all
            assert fault is not None and fault.failure is Failure.MALFORMED
            failed += 1
            continue
        assert fault is None, f"{one.name}: {fault}"
        writer = ChatReply(Heading("0" * 16, "m", 1, stream=False))
        writer.write(events)
        body = writer.end()
        ChatCompletion.model_validate_json(body, strict=True)
        seen = [event for event in events if isinstance(event, UsageSeen)][-1].usage
        assert (seen.prompt, seen.completion, seen.cached) == _counted(one), one.name
        assert msgspec.json.decode(body)["usage"]["total_tokens"] == seen.prompt + seen.completion
        answered += 1
    assert answered + failed == len([one for one in chats(provider) if one.status == 200]) > 10


def read(one: Exchange) -> tuple[list[Event], Fault | None]:
    """The events of a recorded answer, and what is wrong with it."""
    reader = Google().reader(one.stream, b"text/event-stream" if one.stream else b"application/json")
    return [*reader.feed(one.reply), *reader.close()], reader.fault


def _counted(one: Exchange) -> tuple[int, int, int]:
    """What the provider counted, read without our reader."""
    pieces = [line[6:] for line in one.reply.split(b"\n") if line.startswith(b"data: ")] if one.stream else [one.reply]
    counts = [msgspec.json.decode(piece).get("usageMetadata", {}) for piece in pieces]
    counted: dict[str, Any] = [count for count in counts if "promptTokenCount" in count][-1]
    prompt = counted["promptTokenCount"] + counted.get("toolUsePromptTokenCount", 0)
    completion = counted.get("candidatesTokenCount", 0) + counted.get("thoughtsTokenCount", 0)
    assert prompt + completion == counted["totalTokenCount"]
    return prompt, completion, counted.get("cachedContentTokenCount", 0)


@pytest.mark.parametrize("provider", PROVIDERS)
def test_every_accepted_request_can_be_asked_for_or_is_out_of_scope(
    provider: str, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome = Counter(said(provider, one) for one in recorded(provider))
    with capsys.disabled():
        print(f"\n{provider}: " + "; ".join(f"{count} {what}" for what, count in sorted(outcome.items())))
    assert outcome[SAME] >= len([one for one in chats(provider) if one.request is not None]) // 2


def said(provider: str, one: Exchange) -> str:
    """Say a recorded request in our terms and again in Google's; what became of it."""
    if one.request is None or one.verb not in VERBS:
        return OTHER_APIS.get(one.verb, "a reply without its request" if one.request is None else "other")
    if one.status != 200:
        return "refused by the provider"
    wanted = tidy(one.request)
    try:
        chat = as_chat(wanted)
    except OutOfScope as reason:
        return f"out of scope: {reason}"
    written = Google("p", vertex=provider == "vertex").write(read_chat(facts(msgspec.json.encode(chat))), one.model)
    assert not written.dropped, one.name
    assert _unsigned(tidy(msgspec.json.decode(written.body))) == _unsigned(wanted), one.name
    return SAME


def _unsigned(body: dict[str, Any]) -> dict[str, Any]:
    """Without the mark that lets unsigned calls pass: these recordings hold calls that another way was let pass."""
    for content in body["contents"]:
        for part in content["parts"]:
            if part.get("thoughtSignature") == "skip_thought_signature_validator":
                del part["thoughtSignature"]
    return body


def test_the_recorded_refusal_names_its_delay() -> None:
    throttled = next(one for one in recorded("gemini") if one.status == 429)
    fault = Google().fault(429, {}, throttled.reply)
    assert (fault.failure, fault.retry_after) == (Failure.RATE_LIMITED, 34.4)


def test_the_recorded_embedding_is_a_vector() -> None:
    one = next(one for one in recorded("vertex") if one.verb == "embedContent")
    assert len(Google().read_vectors(one.reply).vectors[0]) > 100
