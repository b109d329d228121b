"""Anthropic's rows."""

from typing import Any

import msgspec

from backends.dialects.anthropic.anthropic import Anthropic
from backends.dialects.google.claude import VERSION, Claude
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Usage
from tests.contracts_providers.harness import Broken, Case, Provider, Refusal
from tests.contracts_providers.requests import IMAGE, SCHEMA, WEATHER, pixel
from tests.emulators import anthropic as emulator
from tests.emulators.anthropic import CACHED, REFUSED, TEXT, THINKS, TOOLS, Says

MODEL = "claude-opus-4-6"
USAGE = Usage(11, 7, 0, "upstream")
HOSTED = {"model": None, "anthropic_version": VERSION}
USER = [{"role": "user", "content": [{"type": "text", "text": "hi"}]}]
TOOL = {"name": "weather", "description": "The weather.", "input_schema": SCHEMA}


def case(name: str, play: Says, **fields: Any) -> Case:
    whole = msgspec.json.encode(emulator.message(play, MODEL))
    return Case(name, whole, tuple(emulator.events(play, MODEL)), **{"usage": USAGE, **fields})


def refusal(name: str, status: int, type: str, message: str, failure: Failure, **fields: Any) -> Refusal:
    body = msgspec.json.encode({"type": "error", "error": {"type": type, "message": message}, "request_id": "r"})
    return Refusal(name, status, body, failure, **fields)


LONG = "many words " * 2000
CASES = (
    case(
        "chat",
        TEXT,
        asked={"messages": [{"role": "system", "content": "be short"}, {"role": "user", "content": "hi"}]},
        sent={
            "model": MODEL,
            "max_tokens": 8192,
            "system": [{"type": "text", "text": "be short"}],
            "messages": USER,
        },
        told={"content": "Hello from Claude."},
    ),
    case(
        "tools",
        TOOLS,
        asked={"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False},
        sent={"tools": [TOOL], "tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        told={
            "content": "I look.",
            "tool_calls": [
                {
                    "id": "toolu_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Zürich","days":3}'},
                },
                {"id": "toolu_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        finish="tool_calls",
    ),
    case(
        "json_schema",
        Says(({"type": "text", "text": '{"city": "Bern"}'},)),
        asked={"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}},
        sent={"output_config": {"format": {"type": "json_schema", "schema": SCHEMA}}},
        told={"content": '{"city": "Bern"}'},
    ),
    case(
        "image",
        TEXT,
        asked={"messages": [{"role": "user", "content": [{"type": "text", "text": "what?"}, IMAGE]}]},
        sent={
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "what?"},
                        {
                            "type": "image",
                            "source": {"type": "base64", "media_type": "image/png", "data": pixel()},
                        },
                    ],
                }
            ]
        },
    ),
    case(
        "reasoning",
        THINKS,
        asked={"reasoning_effort": "high"},
        sent={"thinking": {"type": "adaptive"}, "output_config": {"effort": "high"}},
        told={
            "content": "42",
            "reasoning_content": "Let me think it through.",
            "reasoning_details": [
                {
                    "index": 0,
                    "format": "anthropic-claude-v1",
                    "type": "reasoning.text",
                    "text": "Let me think it through.",
                    "signature": "c2lnbmF0dXJl",
                },
                {"index": 1, "format": "anthropic-claude-v1", "type": "reasoning.encrypted", "data": "Y2lwaGVy"},
            ],
        },
        usage=Usage(11, 7, 0, "upstream", reasoning=5),
    ),
    case(
        "stop",
        Says(({"type": "text", "text": "one"},), "stop_sequence", "END"),
        asked={"stop": "END", "temperature": 0.2, "max_completion_tokens": 50},
        sent={"stop_sequences": ["END"], "temperature": 0.2, "max_tokens": 50},
        told={"content": "one"},
    ),
    case(
        "long",
        Says(({"type": "text", "text": LONG},), "max_tokens"),
        told={"content": LONG},
        finish="length",
    ),
    case(
        "cached",
        CACHED,
        asked={
            "messages": [
                {
                    "role": "user",
                    "content": [{"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}}],
                }
            ]
        },
        sent={
            "messages": [
                {
                    "role": "user",
                    "content": [
                        {"type": "text", "text": "hi", "cache_control": {"type": "ephemeral", "ttl": "1h"}},
                    ],
                }
            ]
        },
        usage=Usage(1302, 5, 1000, "upstream", 300, 200),
    ),
    case("refused", REFUSED, told={"refusal": "I must not."}, finish="content_filter"),
    case("paused", Says(({"type": "text", "text": "wait"},), "pause_turn"), told={"content": "wait"}),
)

REFUSALS = (
    refusal(
        "throttled",
        429,
        "rate_limit_error",
        "slow down",
        Failure.RATE_LIMITED,
        headers={b"retry-after": b"7"},
        retry_after=7.0,
    ),
    refusal("overloaded", 529, "overloaded_error", "Overloaded", Failure.OVERLOADED),
    refusal("broken", 500, "api_error", "Internal server error", Failure.SERVER_ERROR),
    refusal("late", 504, "timeout_error", "Request timed out", Failure.SERVER_ERROR),
    refusal("unpaid", 402, "billing_error", "pay first", Failure.RATE_LIMITED, credential=True),
    refusal(
        "spent",
        400,
        "invalid_request_error",
        "Your credit balance is too low to access the Anthropic API.",
        Failure.RATE_LIMITED,
        credential=True,
    ),
    refusal("key", 401, "authentication_error", "invalid x-api-key", Failure.AUTH),
    refusal("unknown", 404, "not_found_error", "model: claude-9", Failure.NOT_FOUND),
    refusal("wrong", 400, "invalid_request_error", "max_tokens: Field required", Failure.BAD_REQUEST),
    refusal(
        "too_long",
        400,
        "invalid_request_error",
        "prompt is too long: 209353 tokens > 199999 maximum",
        Failure.CONTEXT_TOO_LONG,
    ),
    refusal(
        "too_long_with_answer",
        400,
        "invalid_request_error",
        "input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000",
        Failure.CONTEXT_TOO_LONG,
    ),
)

STREAM = tuple(emulator.events(TEXT, MODEL))
BROKEN = (
    Broken("cut", STREAM[:5], Failure.BROKEN_STREAM),
    Broken("without_stop", STREAM[:-1], Failure.BROKEN_STREAM),
    Broken("empty", (), Failure.BROKEN_STREAM),
    Broken("garbage", (*STREAM[:4], b"data: {nonsense\n\n"), Failure.MALFORMED),
    Broken("overloaded", tuple(emulator.events(Says(ending="overloaded_error"), MODEL)), Failure.OVERLOADED),
    Broken("failed", tuple(emulator.events(Says(ending="api_error"), MODEL)), Failure.SERVER_ERROR),
)

PROVIDER = Provider("anthropic", Anthropic(), MODEL, CASES, REFUSALS, BROKEN)
#: The same words, at Google's address: no model, but a version.
CLAUDE_ON_VERTEX = Provider(
    "vertex_claude",
    Claude("projects/p/locations/l"),
    MODEL,
    tuple(msgspec.structs.replace(case, sent=case.sent and {**case.sent, **HOSTED}) for case in CASES),
    REFUSALS,
    BROKEN,
)
