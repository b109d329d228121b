"""OpenAI's chat API's rows: what stands behind the other doors of any compatible server."""

from typing import Any

import msgspec

from backends.dialects.openai.chat.dialect import Chat
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Usage
from tests.contracts_providers.harness import Broken, Case, Provider, Refusal
from tests.contracts_providers.requests import IMAGE, SCHEMA, WEATHER

MODEL = "gpt-4o-mini"
HEAD = {"id": "chatcmpl-9", "created": 1_700_000_001, "model": "gpt-4o-mini-2024-07-18"}
COUNT = {
    "prompt_tokens": 20,
    "completion_tokens": 9,
    "total_tokens": 29,
    "prompt_tokens_details": {"cached_tokens": 5, "audio_tokens": 0},
    "completion_tokens_details": {"reasoning_tokens": 4, "audio_tokens": 0},
}
USAGE = Usage(20, 9, 5, "upstream", reasoning=4)


def whole(*choices: dict[str, Any]) -> bytes:
    """A chat.completion; each choice is its message, finish_reason and logprobs."""
    full = [
        {"index": i, "logprobs": None, **choice, "message": {"role": "assistant", "content": None, **choice["message"]}}
        for i, choice in enumerate(choices)
    ]
    return msgspec.json.encode({**HEAD, "object": "chat.completion", "choices": full, "usage": COUNT})


def chunks(*choices: dict[str, Any]) -> tuple[bytes, ...]:
    deltas = (_chunk(choices=[choice]) for choice in choices)
    return (*deltas, _chunk(choices=[], usage=COUNT), b"data: [DONE]\n\n")


def _chunk(**fields: Any) -> bytes:
    return b"data: " + msgspec.json.encode({**HEAD, "object": "chat.completion.chunk", **fields}) + b"\n\n"


def delta(index: int = 0, finish: str | None = None, logprobs: Any = None, **fields: Any) -> dict[str, Any]:
    return {"index": index, "delta": fields, "finish_reason": finish, "logprobs": logprobs}


def called(index: int, arguments: str, id: str | None = None, name: str | None = None) -> dict[str, Any]:
    function = {"arguments": arguments} | ({"name": name} if name else {})
    return {"index": index, "function": function} | ({"id": id, "type": "function"} if id else {})


CALLS = [
    {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Bern"}'}},
    {"id": "call_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
]
MARKER = {"type": "ephemeral", "ttl": "1h"}
TOKEN = {"token": "yes", "logprob": -0.1, "bytes": [121, 101, 115], "top_logprobs": []}
MARK = {"token": "!", "logprob": -0.2, "bytes": [33], "top_logprobs": []}
ROLE = delta(role="assistant", content="")
TEXT_STREAM = chunks(ROLE, delta(content="yes"), delta(content="!"), delta(finish="stop"))

CASES = (
    Case(
        "chat",
        whole({"message": {"content": "yes!"}, "finish_reason": "stop"}),
        TEXT_STREAM,
        asked={"messages": [{"role": "system", "content": "be short"}, {"role": "user", "content": "hi"}], "seed": 7},
        sent={
            "model": MODEL,
            "seed": 7,
            "messages": [{"role": "system", "content": "be short"}, {"role": "user", "content": "hi"}],
        },
        told={"content": "yes!"},
        usage=USAGE,
    ),
    Case(
        "tools",
        whole({"message": {"tool_calls": CALLS}, "finish_reason": "tool_calls"}),
        chunks(
            delta(role="assistant", content=None, tool_calls=[called(0, "", "call_1", "weather")]),
            delta(tool_calls=[called(0, '{"city"')]),
            delta(tool_calls=[called(0, ':"Bern"}')]),
            delta(tool_calls=[called(1, "", "call_2", "now")]),
            delta(finish="tool_calls"),
        ),
        asked={"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
        sent={"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "weather"}}},
        told={"tool_calls": CALLS},
        finish="tool_calls",
        usage=USAGE,
    ),
    Case(
        "json_schema",
        whole({"message": {"content": '{"city":"Bern"}'}, "finish_reason": "stop"}),
        chunks(ROLE, delta(content='{"city":'), delta(content='"Bern"}'), delta(finish="stop")),
        asked={"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}},
        sent={"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}},
        usage=USAGE,
    ),
    Case(
        "image",
        whole({"message": {"content": "yes!"}, "finish_reason": "stop"}),
        TEXT_STREAM,
        asked={"messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, IMAGE]}]},
        sent={"messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, IMAGE]}]},
        usage=USAGE,
    ),
    Case(
        "reasoning",
        whole({"message": {"reasoning": "hmm, so", "content": "42"}, "finish_reason": "stop"}),
        chunks(ROLE, delta(reasoning="hmm,"), delta(reasoning=" so"), delta(content="42"), delta(finish="stop")),
        asked={"reasoning_effort": "low"},
        sent={"reasoning_effort": "low"},
        told={"reasoning_content": "hmm, so", "content": "42"},
        usage=USAGE,
    ),
    Case(
        "logprobs",
        whole({"message": {"content": "yes!"}, "finish_reason": "stop", "logprobs": {"content": [TOKEN, MARK]}}),
        chunks(
            ROLE,
            delta(content="yes", logprobs={"content": [TOKEN], "refusal": None}),
            delta(content="!", logprobs={"content": [MARK], "refusal": None}),
            delta(finish="stop"),
        ),
        asked={"logprobs": True, "top_logprobs": 2},
        sent={"logprobs": True, "top_logprobs": 2},
        told={"content": "yes!"},
        usage=USAGE,
    ),
    Case(
        "refused",
        whole({"message": {"refusal": "I must not."}, "finish_reason": "content_filter"}),
        chunks(delta(role="assistant", refusal="I must"), delta(refusal=" not."), delta(finish="content_filter")),
        told={"refusal": "I must not."},
        finish="content_filter",
        usage=USAGE,
    ),
    Case(
        "stop",
        whole({"message": {"content": "yes!"}, "finish_reason": "stop"}),
        TEXT_STREAM,
        asked={"stop": "END", "temperature": 0.2, "max_completion_tokens": 50, "frequency_penalty": 0.5},
        sent={"stop": ["END"], "temperature": 0.2, "max_tokens": 50, "frequency_penalty": 0.5},
        told={"content": "yes!"},
        usage=USAGE,
    ),
    Case(
        "cached",
        whole({"message": {"content": "yes!"}, "finish_reason": "stop"}),
        TEXT_STREAM,
        asked={"messages": [{"role": "user", "content": [{"type": "text", "text": "hi", "cache_control": MARKER}]}]},
        sent={"messages": [{"role": "user", "content": "hi"}]},  # it caches by itself, and knows no markers
        usage=USAGE,
    ),
    Case(
        "long",
        whole({"message": {"content": "many words " * 3000}, "finish_reason": "length"}),
        chunks(ROLE, *[delta(content="many words ")] * 3000, delta(finish="length")),
        asked={"max_completion_tokens": 5000, "stop": ["END"]},
        sent={"max_tokens": 5000, "stop": ["END"]},
        finish="length",
        usage=USAGE,
    ),
)


def refusal(name: str, status: int, code: str, message: str, failure: Failure, **fields: Any) -> Refusal:
    body = msgspec.json.encode({"error": {"message": message, "type": "t", "param": None, "code": code}})
    return Refusal(name, status, body, failure, **fields)


REFUSALS = (
    refusal(
        "throttled",
        429,
        "rate_limit_exceeded",
        "slow down",
        Failure.RATE_LIMITED,
        headers={b"retry-after-ms": b"1500", b"retry-after": b"2"},
        retry_after=1.5,
    ),
    refusal("spent", 429, "insufficient_quota", "no quota", Failure.RATE_LIMITED, credential=True),
    refusal("overloaded", 503, "overloaded", "later", Failure.OVERLOADED),
    refusal("too_long", 400, "context_length_exceeded", "maximum context length is 1", Failure.CONTEXT_TOO_LONG),
    refusal("filtered", 400, "content_filter", "no", Failure.CONTENT_FILTERED),
)
BROKEN = (
    Broken("cut", TEXT_STREAM[:2], Failure.BROKEN_STREAM),
    Broken("done_without_finish", (*TEXT_STREAM[:2], b"data: [DONE]\n\n"), Failure.BROKEN_STREAM),
    Broken("garbage", (*TEXT_STREAM[:2], b"data: {no\n\n"), Failure.MALFORMED),
    Broken("error", (*TEXT_STREAM[:2], b'data: {"error":{"message":"died","code":500}}\n\n'), Failure.SERVER_ERROR),
)

PROVIDER = Provider("chat", Chat(b"/chat/completions"), MODEL, CASES, REFUSALS, BROKEN)
