"""Bedrock's rows: Converse of Claude, whose words differ most, with the others' in tests/backends/dialects/bedrock."""

import base64
from typing import Any

import msgspec

from backends.dialects.bedrock.dialect import Bedrock
from policies.vocabulary.failure import Failure
from policies.vocabulary.types import Usage
from tests.contracts_providers.harness import Broken, Case, Provider, Refusal
from tests.contracts_providers.requests import IMAGE, SCHEMA, WEATHER, pixel
from tests.emulators import bedrock as emulator
from tests.emulators.bedrock import STREAM, Says
from tests.emulators.event_stream import spoiled

MODEL = "us.anthropic.claude-sonnet-4-5-20250929-v1:0"
USAGE = Usage(12, 7, 0, "upstream")
LONG = "many words " * 2000
USER = [{"role": "user", "content": [{"text": "hi"}]}]
TEXT = Says()
TOOLS = Says(
    (
        {"text": "I look."},
        {"toolUse": {"toolUseId": "tooluse_1", "name": "weather", "input": {"city": "Zürich", "days": 3}}},
        {"toolUse": {"toolUseId": "tooluse_2", "name": "now", "input": {}}},
    ),
    "tool_use",
)
THINKS = Says(
    (
        {"reasoningContent": {"reasoningText": {"text": "Let me think.", "signature": "c2lnbmF0dXJl"}}},
        {"reasoningContent": {"redactedContent": base64.b64encode(b"Y2lwaGVy").decode()}},
        {"text": "42"},
    )
)
CACHED = Says(
    usage={
        "inputTokens": 2,
        "outputTokens": 5,
        "totalTokens": 1307,
        "cacheReadInputTokens": 1000,
        "cacheWriteInputTokens": 300,
        "cacheDetails": [{"ttl": "1h", "inputTokens": 200}, {"ttl": "5m", "inputTokens": 100}],
    }
)


def case(name: str, play: Says, **fields: Any) -> Case:
    whole = msgspec.json.encode(emulator.message(play))
    return Case(name, whole, tuple(emulator.stream(play)), **{"usage": USAGE, **fields})


def refusal(name: str, status: int, kind: str, message: str, failure: Failure, **fields: Any) -> Refusal:
    headers = {b"x-amzn-errortype": f"{kind}:http://internal.amazon.com/coral/com.amazon.bedrock/".encode()}
    return Refusal(name, status, msgspec.json.encode({"message": message}), failure, headers, **fields)


CASES = (
    case(
        "chat",
        TEXT,
        asked={"messages": [{"role": "system", "content": "be short"}, {"role": "user", "content": "hi"}]},
        sent={"model": None, "system": [{"text": "be short"}], "messages": USER},
        told={"content": "Hello from the cloud."},
    ),
    case(
        "tools",
        TOOLS,
        asked={"tools": [WEATHER], "tool_choice": "required", "parallel_tool_calls": False},
        sent={
            "toolConfig": {
                "tools": [
                    {
                        "toolSpec": {
                            "name": "weather",
                            "inputSchema": {"json": SCHEMA},
                            "description": "The weather.",
                        }
                    }
                ],
                "toolChoice": {"any": {}},
            },
            "additionalModelRequestFields": {"tool_choice": {"type": "any", "disable_parallel_tool_use": True}},
        },
        told={
            "content": "I look.",
            "tool_calls": [
                {
                    "id": "tooluse_1",
                    "type": "function",
                    "function": {"name": "weather", "arguments": '{"city":"Zürich","days":3}'},
                },
                {"id": "tooluse_2", "type": "function", "function": {"name": "now", "arguments": "{}"}},
            ],
        },
        finish="tool_calls",
    ),
    case(
        "json_schema",
        Says(({"text": '{"city": "Bern"}'},)),
        asked={"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}},
        sent={
            "outputConfig": {
                "textFormat": {
                    "type": "json_schema",
                    "structure": {"jsonSchema": {"schema": msgspec.json.encode(SCHEMA).decode(), "name": "place"}},
                }
            }
        },
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
                    "content": [{"text": "what?"}, {"image": {"format": "png", "source": {"bytes": pixel()}}}],
                }
            ]
        },
    ),
    case(
        "reasoning",
        THINKS,
        asked={"reasoning_effort": "low"},
        sent={"additionalModelRequestFields": {"thinking": {"type": "enabled", "budget_tokens": 2048}}},
        told={
            "content": "42",
            "reasoning_content": "Let me think.",
            "reasoning_details": [
                {
                    "index": 0,
                    "format": "anthropic-claude-v1",
                    "type": "reasoning.text",
                    "text": "Let me think.",
                    "signature": "c2lnbmF0dXJl",
                },
                {"index": 1, "format": "anthropic-claude-v1", "type": "reasoning.encrypted", "data": "Y2lwaGVy"},
            ],
        },
    ),
    case(
        "stop",
        Says(({"text": "one"},), "stop_sequence"),
        asked={"stop": "END", "temperature": 0.2, "max_completion_tokens": 50},
        sent={"inferenceConfig": {"stopSequences": ["END"], "temperature": 0.2, "maxTokens": 50}},
        told={"content": "one"},
    ),
    case("long", Says(({"text": LONG},), "max_tokens"), told={"content": LONG}, finish="length"),
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
                {"role": "user", "content": [{"text": "hi"}, {"cachePoint": {"type": "default", "ttl": "1h"}}]}
            ]
        },
        usage=Usage(1302, 5, 1000, "upstream", 300, 200),
    ),
    case("refused", Says(({"text": "No."},), "guardrail_intervened"), told={"content": "No."}, finish="content_filter"),
)

REFUSALS = (
    refusal("throttled", 429, "ThrottlingException", "Too many tokens", Failure.RATE_LIMITED),
    refusal("loading", 429, "ModelNotReadyException", "not ready", Failure.OVERLOADED),
    refusal("overloaded", 503, "ServiceUnavailableException", "later", Failure.OVERLOADED),
    refusal("broken", 500, "InternalServerException", "oh", Failure.SERVER_ERROR),
    refusal("late", 408, "ModelTimeoutException", "late", Failure.SERVER_ERROR),
    refusal("key", 403, "UnrecognizedClientException", "The security token is invalid.", Failure.AUTH),
    refusal("unknown", 404, "ResourceNotFoundException", "no such model", Failure.NOT_FOUND),
    refusal("wrong", 400, "ValidationException", "maxTokens must be positive", Failure.BAD_REQUEST),
    refusal("too_long", 400, "ValidationException", "Input is too long for requested model.", Failure.CONTEXT_TOO_LONG),
)

FRAMES = tuple(emulator.stream(TEXT))
BROKEN = (
    Broken("cut", FRAMES[:4], Failure.BROKEN_STREAM),
    Broken("within_a_frame", (*FRAMES[:4], FRAMES[4][:9]), Failure.BROKEN_STREAM),
    Broken("without_stop", FRAMES[:-2], Failure.BROKEN_STREAM),
    Broken("empty", (), Failure.BROKEN_STREAM),
    Broken("damaged", (*FRAMES[:3], spoiled(FRAMES[3])), Failure.MALFORMED),
    Broken("throttled", tuple(emulator.stream(Says(ending="throttlingException"))), Failure.RATE_LIMITED),
    Broken("overloaded", tuple(emulator.stream(Says(ending="serviceUnavailableException"))), Failure.OVERLOADED),
    Broken("failed", tuple(emulator.stream(Says(ending="modelStreamErrorException"))), Failure.SERVER_ERROR),
)

PROVIDER = Provider("bedrock", Bedrock(MODEL), MODEL, CASES, REFUSALS, BROKEN, STREAM.encode())
