"""Reading Google's replies: whole and streamed alike, however the bytes are cut, and the endings that are no answer."""

from itertools import pairwise
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from backends.contract.events import CallStart, Finish, Signature, UsageSeen
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Usage
from tests.backends.dialects.google.exchange import events, said, sse, whole
from tests.emulators.google_faults import FAULTS
from tests.emulators.google_model import signature

TOOLS = [
    {"type": "function", "function": {"name": "weather", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}}}},
    {"type": "function", "function": {"name": "clock"}},
]  # fmt: skip
HELLO: dict[str, Any] = {"messages": [{"role": "user", "content": "Wo bist du, Käuzchen? 🦉 Sag es mir genau."}]}
CASES: dict[str, dict[str, Any]] = {
    "text": HELLO,
    "thoughts": {**HELLO, "reasoning_effort": "low"},
    "parallel calls": {**HELLO, "tools": TOOLS},
    "several choices": {**HELLO, "n": 3},
    "log probabilities": {**HELLO, "logprobs": True, "top_logprobs": 2},
    "cut short": {**HELLO, "max_tokens": 3},
}


@pytest.mark.parametrize("case", CASES)
def test_a_streamed_answer_put_together_is_the_whole_one(case: str) -> None:
    reply = said(CASES[case])
    streamed, reader = events([sse(reply)], stream=True)
    plain, other = events([msgspec.json.encode(reply.whole())], stream=False)
    assert reader.fault is None and other.fault is None
    assert whole(streamed) == whole(plain)


@given(st.sampled_from(sorted(CASES)), st.lists(st.integers(0, 4000), max_size=12))
def test_any_cut_of_the_bytes_gives_the_same_events(case: str, cuts: list[int]) -> None:
    data = sse(said(CASES[case]))
    at = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    pieces = [data[start:end] for start, end in pairwise(at)]
    assert events(pieces, stream=True)[0] == events([data], stream=True)[0]


def test_an_array_of_chunks_is_an_answer_too() -> None:
    chunks = msgspec.json.encode(list(said(HELLO).chunks()))
    assert whole(events([chunks], stream=False)[0]) == whole(events([sse(said(HELLO))], stream=True)[0])


def test_calls_have_ids_of_their_own_and_keep_their_signature() -> None:
    made = events([sse(said({**HELLO, "tools": TOOLS}))], stream=True)[0]
    starts = [event for event in made if isinstance(event, CallStart)]
    assert [(call.index, call.name, call.id) for call in starts] == [
        (0, "weather", "call_resp-1_00"),
        (1, "clock", "call_resp-1_01"),
    ]
    assert (starts[0].signature, starts[0].origin) == (signature("weather"), "google")
    assert (starts[1].signature, starts[1].origin) == ("", "")
    assert Finish("tool_calls") in made


def test_a_call_keeps_googles_own_id() -> None:
    made = events([sse(said({**HELLO, "tools": TOOLS}, "gemini-3-pro"))], stream=True)[0]
    assert [event.id for event in made if isinstance(event, CallStart)] == ["call0", "call1"]


def test_usage_sums_and_only_the_last_one_counts() -> None:
    counted = {"promptTokenCount": 100, "candidatesTokenCount": 7, "thoughtsTokenCount": 40, "totalTokenCount": 152,
               "cachedContentTokenCount": 60, "toolUsePromptTokenCount": 5, "trafficType": "ON_DEMAND_FLEX",
               "promptTokensDetails": [{"modality": "AUDIO", "tokenCount": 9}]}  # fmt: skip
    text = {"candidates": [{"content": {"parts": [{"text": "x"}]}}], "usageMetadata": {"trafficType": "ON_DEMAND"}}
    last = {"candidates": [{"finishReason": "STOP"}], "usageMetadata": counted}
    data = b"".join(b"data: " + msgspec.json.encode(chunk) + b"\n\n" for chunk in (text, last))
    seen = [event for event in events([data], stream=True)[0] if isinstance(event, UsageSeen)]
    assert seen == [UsageSeen(Usage(105, 47, 60, "upstream", reasoning=40, audio_prompt=9), "flex")]


def test_a_signature_on_text_follows_its_text() -> None:
    chunks = [{"candidates": [{"content": {"parts": [{"text": "It is 3."}]}}]},
              {"candidates": [{"content": {"parts": [{"text": "", "thoughtSignature": "c2ln"}]},
                               "finishReason": "STOP"}]}]  # fmt: skip
    made = events([b"".join(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n" for chunk in chunks)], stream=True)[0]
    assert made[-2:] == [Signature("c2ln", origin="google"), Finish("stop")]
    assert whole(made)["choices"][0]["message"]["reasoning_details"][0]["signature"] == "c2ln"


def test_what_follows_a_finish_reason_still_counts() -> None:
    """Older models name a reason in every chunk."""
    chunks = [{"candidates": [{"content": {"parts": [{"text": text}]}, "finishReason": "STOP"}]} for text in ("a", "b")]
    made = events([b"".join(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n" for chunk in chunks)], stream=True)[0]
    answer = whole(made)
    assert answer["choices"][0]["message"]["content"] == "ab"
    assert sum(isinstance(event, Finish) for event in made) == 1


@pytest.mark.parametrize("stream", [True, False])
@pytest.mark.parametrize(
    ("fate", "failure"),
    [
        ("blocked", Failure.CONTENT_FILTERED),
        ("malformed_call", Failure.MALFORMED),
        ("empty", Failure.MALFORMED),
        ("nothing", Failure.MALFORMED),
    ],
)
def test_endings_that_are_no_answer(fate: str, failure: Failure, stream: bool) -> None:
    reply = FAULTS[fate].reply(said(HELLO))
    _, reader = events([sse(reply) if stream else msgspec.json.encode(reply.whole())], stream=stream)
    assert reader.fault is not None
    expected = Failure.BROKEN_STREAM if stream and fate == "nothing" else failure
    assert reader.fault.failure is expected


@pytest.mark.parametrize("fate", ["unsafe", "recitation"])
def test_an_answer_that_was_stopped_says_so(fate: str) -> None:
    made, reader = events([sse(FAULTS[fate].reply(said(HELLO)))], stream=True)
    assert reader.fault is None
    assert whole(made)["choices"][0]["finish_reason"] == "content_filter"


def test_an_answer_that_was_all_thinking_ran_out_of_tokens() -> None:
    """It is no fault of the model's: the client gave it too few."""
    body = {"candidates": [{"finishReason": "MAX_TOKENS", "index": 0}], "usageMetadata": {"promptTokenCount": 1}}
    made, reader = events([msgspec.json.encode(body)], stream=False)
    assert reader.fault is None and Finish("length") in made


def test_a_stream_that_ends_early_or_badly() -> None:
    data = sse(said(HELLO))
    first = data.index(b"\r\n\r\n") + 4
    assert events([data[:first]], stream=True)[1].fault.failure is Failure.BROKEN_STREAM  # type: ignore[union-attr]
    error = msgspec.json.encode(FAULTS["overloaded"].whole[1])
    late = events([data[:first], b"data: " + error + b"\r\n\r\n", data[first:]], stream=True)[1].fault
    assert late is not None and late.failure is Failure.OVERLOADED
    broken = events([b"data: {not json\r\n\r\n"], stream=True)[1].fault
    assert broken is not None and broken.failure is Failure.MALFORMED


@pytest.mark.parametrize("data", [b"", b"  ", b"[]", b"{}", b"null", b'{"candidates": 3}', b"<html>", b'"x"'])
def test_garbage_is_malformed(data: bytes) -> None:
    fault = events([data], stream=False)[1].fault
    assert fault is not None and fault.failure is Failure.MALFORMED


def test_arguments_in_pieces_are_put_together() -> None:
    def chunk(call: dict[str, Any], **more: str) -> bytes:
        part = {"functionCall": call}
        return b"data: " + msgspec.json.encode({"candidates": [{"content": {"parts": [part]}, **more}]}) + b"\r\n\r\n"

    data = b"".join(
        [
            chunk({"name": "order", "willContinue": True}),
            chunk({"partialArgs": [{"jsonPath": "$.items[0].name", "stringValue": "app"}], "willContinue": True}),
            chunk({"partialArgs": [{"jsonPath": "$.items[0].name", "stringValue": "le"}], "willContinue": True}),
            chunk({"partialArgs": [{"jsonPath": "$.items[1]['the price']", "numberValue": 2}], "willContinue": True}),
            chunk({"partialArgs": [{"jsonPath": "$.now", "boolValue": False}], "willContinue": True}),
            chunk({}, finishReason="STOP"),
        ]
    )
    call = whole(events([data], stream=True)[0])["choices"][0]["message"]["tool_calls"][0]["function"]
    assert call["name"] == "order"
    assert msgspec.json.decode(call["arguments"]) == {"items": [{"name": "apple"}, {"the price": 2}], "now": False}


@pytest.mark.parametrize("path", ["", "$[0]", "$.a[99999999]"])
def test_a_path_to_nowhere_is_malformed(path: str) -> None:
    call = {"name": "f", "willContinue": True, "partialArgs": [{"jsonPath": path, "stringValue": "x"}]}
    data = msgspec.json.encode({"candidates": [{"content": {"parts": [{"functionCall": call}]}}]})
    fault = events([data], stream=False)[1].fault
    assert fault is not None and fault.failure is Failure.MALFORMED
